/** From what the system says to what runs on which modules. */
import type { ModuleIndex } from '../kernel/module-index'
import type { Snapshot } from '../kernel/snapshot'
import { printable } from '../contract/printable'
import { Aliases } from './system/aliases'
import { BlockDevices } from './system/block-devices'
import { readBlocks } from './blocks'
import { readBoundDevices } from './bound-devices'
import { readDisplays } from './displays'
import type { SystemFiles } from '../kernel/system-files'
import { readInterfaces } from './interfaces'
import { MountTables } from './system/mount-tables'
import { readMounts } from './mounts'
import { readNamed } from './named'
import { readNetworkUses } from './network-uses'
import { readOpenDevices } from './open-devices'
import type { RawSurvey } from './system/raw'
import { readSessions } from './sessions'
import { readSockets } from './sockets'
import { Stack } from './system/stack'
import { readSwaps } from './swaps'
import { Sysfs } from './system/sysfs'
import { readVirtualMachines } from './virtual-machines'

/**
 * Without a usable index it is as good as can be, and says so in `unreadable`. `users`: with what only
 * uses the modules, besides what would stop working.
 */
export async function buildSnapshot(
  raw: RawSurvey,
  files: SystemFiles,
  index: ModuleIndex,
  { users }: { users: boolean },
): Promise<Snapshot> {
  const sysfs = new Sysfs(files)
  const aliases = new Aliases(index)
  const devices = new BlockDevices(sysfs)
  const tables = new MountTables(raw.mountTables)
  const stack = new Stack(sysfs, devices, tables, aliases)
  const sources = { sysfs, aliases, devices, tables, stack }
  // Together, so that what they ask for goes out together.
  const [
    mounts,
    interfaces,
    swaps,
    openDevices,
    blocks,
    displays,
    machines,
    boundDevices,
    named,
    networkUses,
  ] = await Promise.all([
    readMounts(tables, stack, aliases),
    readInterfaces(raw, sysfs, aliases),
    // Not there: the kernel was built without swap.
    sysfs.text('/proc/swaps').then((text) => readSwaps(text ?? '', devices, stack)),
    readOpenDevices(raw.openDevices, sysfs, devices, aliases),
    readBlocks(sources),
    readDisplays(sysfs),
    readVirtualMachines(raw.openDevices, users, sysfs),
    users ? readBoundDevices(sysfs) : [],
    users ? readNamed(sources) : [],
    readNetworkUses(raw, aliases),
  ])
  const unreadable = [
    ...raw.unreadable,
    ...aliases.unreadable,
    ...stack.unreadable,
    ...machines.unreadable,
  ].map(printable)
  return {
    mounts,
    interfaces,
    swaps,
    sessions: readSessions(raw),
    displays,
    virtualMachines: machines.virtualMachines,
    blocks,
    openDevices,
    devices: boundDevices,
    sockets: readSockets(raw.netFiles),
    named: [...named, ...networkUses],
    unreadable,
  }
}
