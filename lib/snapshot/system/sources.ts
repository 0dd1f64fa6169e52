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

/** What can be asked before the survey is there. */
export interface FileSources {
  sysfs: Sysfs
  aliases: Aliases
  /** Phrases that name what could not be read. Each reader adds to them. */
  unreadable: Set<string>
}

export interface Sources extends FileSources {
  raw: RawSurvey
  mountTables: MountTables
  blockDevices: BlockDevices
  stack: Stack
  holders: Holders
}

export function openFileSources(files: SystemFiles, index: ModuleIndex): FileSources {
  const unreadable = new Set<string>()
  return { sysfs: new Sysfs(files), aliases: new Aliases(index, unreadable), unreadable }
}

export function openSources(raw: RawSurvey, sources: FileSources): Sources {
  const { sysfs, aliases, unreadable } = sources
  for (const phrase of raw.unreadable) unreadable.add(phrase)
  const mountTables = new MountTables(raw.mountTables)
  const blockDevices = new BlockDevices(sysfs, aliases, raw.mappings)
  const stack = new Stack(sysfs, blockDevices, mountTables, aliases)
  const holders = new Holders(raw)
  return { ...sources, raw, mountTables, blockDevices, stack, holders }
}
