/** The frame buffer that shows the text console. */
import type { Console } from '../../kernel/snapshot'
import type { Sources } from '../system/sources'
import type { Sysfs } from '../system/sysfs'

export async function readConsoles({ sysfs }: Sources): Promise<Console[]> {
  const found = await consoleBuffer(sysfs)
  if (found === null) return []
  const { buffer, console, isDrm, device } = found
  const [driver] = await sysfs.drivers(device)
  return driver?.module == null ? [] : [{ buffer, console, isDrm, modules: [driver.module] }]
}

interface ConsoleBuffer extends Omit<Console, 'modules'> {
  /** The folder of the frame buffer in /sys. */
  device: string
}

/**
 * /sys does not show which frame buffer the console uses. The kernel uses the one that was registered
 * first, and that is assumed to be the one with the lowest number. Source: do_fbcon_takeover() in
 * drivers/video/fbdev/core/fbcon.c.
 */
export async function consoleBuffer(sysfs: Sysfs): Promise<ConsoleBuffer | null> {
  const [consoles, graphics] = await Promise.all([
    sysfs.list('/sys/class/vtconsole'),
    sysfs.list('/sys/class/graphics'),
  ])
  const [buffer] = graphics
    .filter((name) => /^fb\d+$/.test(name))
    .sort((one, other) => Number(one.slice(2)) - Number(other.slice(2)))
  if (buffer === undefined) return null
  const [console, name, device] = await Promise.all([
    boundConsole(consoles, sysfs),
    sysfs.text(`/sys/class/graphics/${buffer}/name`),
    sysfs.link(`/sys/class/graphics/${buffer}`),
  ])
  if (console === undefined || device === null) return null
  return { buffer, console, isDrm: name?.endsWith('drmfb') ?? false, device }
}

async function boundConsole(names: readonly string[], sysfs: Sysfs): Promise<string | undefined> {
  const bound = await Promise.all(
    names.map(async (name) => {
      const [what, bind] = await Promise.all([
        sysfs.text(`/sys/class/vtconsole/${name}/name`),
        sysfs.text(`/sys/class/vtconsole/${name}/bind`),
      ])
      return bind === '1' && (what?.includes('frame buffer') ?? false)
    }),
  )
  return names.find((_, i) => bound[i])
}
