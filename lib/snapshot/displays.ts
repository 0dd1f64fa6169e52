import type { Display } from '../kernel/snapshot'
import { consoleBuffer } from './system/consoles'
import type { Sysfs } from './system/sysfs'

/**
 * The displays that are connected and enabled, and the text console where its graphics card has no
 * connectors that could tell. Source: status_show() and enabled_show() in drivers/gpu/drm/drm_sysfs.c.
 */
export async function readDisplays(sysfs: Sysfs): Promise<Display[]> {
  const [entries, buffer] = await Promise.all([sysfs.list('/sys/class/drm'), consoleBuffer(sysfs)])
  const connectors = entries.filter((entry) => /^card\d+-/.test(entry))
  const found = await Promise.all(connectors.map((name) => readConnector(name, sysfs)))
  const displays = found.flatMap(({ name, device, shows }) =>
    shows && device !== null ? [{ name, device }] : [],
  )
  if (buffer !== null && !found.some(({ device }) => sameHardware(device, buffer.device))) {
    displays.push(buffer)
  }
  return Promise.all(
    displays.map(async ({ name, device }) => ({
      name,
      modules: (await sysfs.drivers(device)).flatMap(({ module }) => module ?? []),
    })),
  )
}

async function readConnector(
  name: string,
  sysfs: Sysfs,
): Promise<{ name: string; device: string | null; shows: boolean }> {
  const folder = `/sys/class/drm/${name}`
  const [status, enabled, device] = await Promise.all([
    sysfs.text(`${folder}/status`),
    sysfs.text(`${folder}/enabled`),
    sysfs.link(folder),
  ])
  return { name, device, shows: status === 'connected' && enabled === 'enabled' }
}

/** What comes before drm/cardN/... and graphics/fbN is the device of both. */
function sameHardware(connector: string | null, buffer: string): boolean {
  const above = (folder: string): string => folder.replace(/\/(drm|graphics)\/.*$/, '')
  return connector !== null && above(connector) === above(buffer)
}
