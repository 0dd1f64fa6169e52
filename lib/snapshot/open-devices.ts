import type { OpenDevice } from '../kernel'
import type { Aliases } from './aliases'
import type { BlockDevices } from './block-devices'
import type { RawSurvey } from './raw'
import type { Sysfs } from './sysfs'

/** The devices that processes have open, with the modules behind them. */
export function readOpenDevices(
  raw: RawSurvey['openDevices'],
  sysfs: Sysfs,
  devices: BlockDevices,
  aliases: Aliases,
): Promise<OpenDevice[]> {
  return Promise.all(
    raw.map(async ({ pid, comm, self, path, fd, type, device }): Promise<OpenDevice> => {
      const modules =
        type === 'block'
          ? await blockModules(device, devices)
          : await charModules(device, sysfs, aliases)
      return { pid, comm, self, path, fd, modules }
    }),
  )
}

async function blockModules(device: string, devices: BlockDevices): Promise<string[]> {
  const folder = await devices.byNumber(device)
  return folder === null ? [] : devices.own(folder)
}

/**
 * The nearest driver, and who has claimed the number: a misc device (tun, fuse, loop-control) has no
 * link to its module in /sys.
 */
async function charModules(device: string, sysfs: Sysfs, aliases: Aliases): Promise<string[]> {
  const [driver, byNumber] = await Promise.all([
    nearestDriver(device, sysfs),
    aliases.ofCharDevice(device),
  ])
  return [...new Set([...driver, ...byNumber])]
}

async function nearestDriver(device: string, sysfs: Sysfs): Promise<string[]> {
  const folder = await sysfs.link(`/sys/dev/char/${device}`)
  if (folder === null) return []
  const [driver] = await sysfs.drivers(folder)
  return driver?.module == null ? [] : [driver.module]
}
