/** The displays that are switched on. */
import type { Display } from '../../kernel/snapshot'
import type { FileSources } from '../system/sources'
import type { Sysfs } from '../system/sysfs'
import { consoleBuffer } from './consoles'

interface Connector {
  name: string
  /** Its folder in /sys. */
  device: string
  isOn: boolean
}

/**
 * The connectors with a monitor that is on. Also the frame buffer of the text console, if its graphics
 * card has no connectors in /sys. Source: status_show() and enabled_show() in
 * drivers/gpu/drm/drm_sysfs.c.
 */
export async function readDisplays({ sysfs }: FileSources): Promise<Display[]> {
  const [entries, console] = await Promise.all([sysfs.list('/sys/class/drm'), consoleBuffer(sysfs)])
  const names = entries.filter((entry) => /^card\d+-/.test(entry))
  const connectors = (await Promise.all(names.map((name) => readConnector(name, sysfs)))).filter(
    (connector) => connector !== null,
  )
  const displays: { name: string; device: string }[] = connectors.filter(({ isOn }) => isOn)
  if (
    console !== null &&
    !connectors.some(({ device }) => graphicsCard(device) === graphicsCard(console.device))
  ) {
    displays.push({ name: console.buffer, device: console.device })
  }
  return Promise.all(
    displays.map(async ({ name, device }) => ({
      name,
      modules: (await sysfs.drivers(device)).flatMap(({ module }) => module ?? []),
    })),
  )
}

async function readConnector(name: string, sysfs: Sysfs): Promise<Connector | null> {
  const folder = `/sys/class/drm/${name}`
  const [status, enabled, device] = await Promise.all([
    sysfs.text(`${folder}/status`),
    sysfs.text(`${folder}/enabled`),
    sysfs.link(folder),
  ])
  if (device === null) return null
  return { name, device, isOn: status === 'connected' && enabled === 'enabled' }
}

/**
 * The folder of the card contains drm/cardN for its connectors and graphics/fbN for its frame buffer.
 */
function graphicsCard(folder: string): string {
  return folder.replace(/\/(drm|graphics)\/.*$/, '')
}
