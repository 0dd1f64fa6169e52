import type { Aliases } from './aliases'
import type { BlockDevices } from './block-devices'
import type { MountTables } from './mount-tables'
import type { Stack } from './stack'
import type { Sysfs } from './sysfs'

/** What the readers of a snapshot ask: each question goes to the system once. */
export interface Sources {
  sysfs: Sysfs
  aliases: Aliases
  devices: BlockDevices
  tables: MountTables
  stack: Stack
}
