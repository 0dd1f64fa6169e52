import type { OpenDevice } from '../kernel/snapshot'
import type { Aliases } from './system/aliases'
import type { BlockDevices } from './system/block-devices'
import { charModules } from './char-devices'
import type { RawSurvey } from './system/raw'
import type { Sysfs } from './system/sysfs'

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
