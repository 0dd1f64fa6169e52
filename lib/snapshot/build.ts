/** From what the system says to what runs on which modules. */
import type { ModuleIndex, Snapshot } from '../kernel'
import { Aliases } from './aliases'
import { BlockDevices } from './block-devices'
import type { SystemFiles } from './files'
import { readInterfaces } from './interfaces'
import { MountTables } from './mount-tables'
import { readMounts } from './mounts'
import { readOpenDevices } from './open-devices'
import type { RawSurvey } from './raw'
import { Stack } from './stack'
import { readSwaps } from './swaps'
import { Sysfs } from './sysfs'

/** Without a usable index it is as good as can be, and says so in `unreadable`. */
export async function buildSnapshot(
  raw: RawSurvey,
  files: SystemFiles,
  index: ModuleIndex,
): Promise<Snapshot> {
  const sysfs = new Sysfs(files)
  const aliases = new Aliases(index)
  const devices = new BlockDevices(sysfs)
  const tables = new MountTables(raw.mountTables)
  const stack = new Stack(sysfs, devices, tables, aliases)
  // Together, so that what they ask for goes out together.
  const [mounts, interfaces, swaps, openDevices] = await Promise.all([
    readMounts(tables, stack, aliases),
    readInterfaces(raw, sysfs, aliases),
    // Not there: the kernel was built without swap.
    sysfs.text('/proc/swaps').then((text) => readSwaps(text ?? '', devices, stack)),
    readOpenDevices(raw.openDevices, sysfs, devices, aliases),
  ])
  const unreadable = [...raw.unreadable, ...aliases.unreadable]
  return { mounts, interfaces, swaps, openDevices, unreadable }
}
