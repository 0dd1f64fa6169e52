/**
 * Block devices without a driver in /sys: their module goes by their name. Source: the disk_name that
 * each driver gives.
 */
import { posix } from 'node:path'

const MODULES: readonly [pattern: RegExp, module: string][] = [
  [/^loop\d+$/, 'loop'],
  [/^zram\d+$/, 'zram'],
  [/^nbd\d+$/, 'nbd'],
  [/^md(\d+|_.+)$/, 'md_mod'],
  [/^dm-\d+$/, 'dm_mod'],
  [/^ram\d+$/, 'brd'],
  [/^rbd\d+$/, 'rbd'],
  [/^drbd\d+$/, 'drbd'],
  [/^nullb\d+$/, 'null_blk'],
  [/^bcache\d+$/, 'bcache'],
]

export interface VirtualDisk {
  folder: string
  module: string
}

/** The disk that a device's folder is, or is a partition of; `null`: not a virtual one. */
export function virtualDisk(folder: string): VirtualDisk | null {
  for (const candidate of [folder, posix.dirname(folder)]) {
    const name = posix.basename(candidate)
    const known = MODULES.find(([pattern]) => pattern.test(name))
    if (known !== undefined) return { folder: candidate, module: known[1] }
  }
  return null
}

/** What the md level and the device-mapper target need besides. */
export function raidModules(level: string): string[] {
  return [/^raid[456]$/.test(level) ? 'raid456' : level]
}

/** By who made the mapping, which its UUID begins with; what LVM and others use is not told there. */
const TARGETS: readonly [prefix: string, module: string][] = [
  ['CRYPT-VERITY-', 'dm_verity'],
  ['CRYPT-INTEGRITY-', 'dm_integrity'],
  ['CRYPT-', 'dm_crypt'],
  ['mpath-', 'dm_multipath'],
]

export function mapperModules(uuid: string): string[] {
  const target = TARGETS.find(([prefix]) => uuid.startsWith(prefix))
  return target === undefined ? [] : [target[1]]
}
