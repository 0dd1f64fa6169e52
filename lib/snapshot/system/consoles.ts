/** Frame buffers, and whether the text console is on one. */
import type { NamedUse } from '../../kernel/snapshot'
import type { Sources } from './sources'
import type { Sysfs } from './sysfs'

export interface ConsoleBuffer {
  /** Such as `fb0`. */
  name: string
  /** The folder of its device. */
  device: string
  /** Of a DRM driver. */
  isDrm: boolean
  /** Such as `vtcon1`. */
  console: string
}

/**
 * The frame buffer that the text console is on. /sys does not tell which; the first one that came is it.
 * Source: do_fbcon_takeover() in drivers/video/fbdev/core/fbcon.c.
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
  return { name: buffer, device, isDrm: name?.endsWith('drmfb') ?? false, console }
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

export async function readConsoles({ sysfs }: Sources): Promise<NamedUse[]> {
  const buffer = await consoleBuffer(sysfs)
  if (buffer === null) return []
  const [driver] = await sysfs.drivers(buffer.device)
  if (driver?.module == null) return []
  return [
    {
      kind: 'console',
      name: buffer.name,
      value: 'bound',
      modules: [driver.module],
      // Those of DRM hand the console over without; of others, not all say which module they are of.
      // Source: fbcon_open() in drivers/video/fbdev/core/fbcon.c, the fb_open functions of DRM.
      references: buffer.isDrm ? 0 : null,
      release: {
        text: `unbind the text console from ${buffer.name}: write 0 to /sys/class/vtconsole/${buffer.console}/bind`,
        command: null,
      },
    },
  ]
}
