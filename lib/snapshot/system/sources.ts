/**
 * lib/snapshot/system has what the readers of a snapshot share: the raw survey, /sys, the module index,
 * mounts and block devices. Questions that readers ask at the same time are sent to the system together,
 * and no question is sent twice for one snapshot.
 */
import type { ModuleIndex } from '../../kernel/module-index'
import type { SystemFiles } from '../../kernel/system-files'
import { Aliases } from './aliases'
import { BlockDevices } from './block-devices'
import { Holders } from './holders'
import { MountTables } from './mount-tables'
import type { RawSurvey } from './raw-survey'
import { Stack } from './stack'
import { Sysfs } from './sysfs'

export interface Sources {
  raw: RawSurvey
  sysfs: Sysfs
  aliases: Aliases
  mountTables: MountTables
  blockDevices: BlockDevices
  stack: Stack
  holders: Holders
  /** Phrases that name what could not be read. Each reader adds to them. */
  unreadable: Set<string>
}

export function openSources(raw: RawSurvey, files: SystemFiles, index: ModuleIndex): Sources {
  const unreadable = new Set(raw.unreadable)
  const sysfs = new Sysfs(files)
  const aliases = new Aliases(index, unreadable)
  const mountTables = new MountTables(raw.mountTables)
  const blockDevices = new BlockDevices(sysfs, aliases, raw.mappings)
  const stack = new Stack(sysfs, blockDevices, mountTables, aliases)
  const holders = new Holders(raw)
  return { raw, sysfs, aliases, mountTables, blockDevices, stack, holders, unreadable }
}
