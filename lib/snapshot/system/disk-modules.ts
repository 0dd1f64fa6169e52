/** Modules of disks that no `driver` link in /sys shows. They are derived from names. */
import { posix } from 'node:path'
import { normalize } from '../../contract/names'
import type { Sysfs } from './sysfs'

/**
 * The modules of virtual disks, by the names that the drivers give these. Source: disk_name in each
 * driver.
 */
const VIRTUAL_DISKS: readonly [pattern: RegExp, module: string][] = [
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
  [/^mtdblock\d+$/, 'mtdblock'],
  [/^ubiblock\d+_\d+$/, 'ubi'],
]

export interface VirtualDisk {
  folder: string
  module: string
}

/** The virtual disk whose folder, or whose partition's folder, this is; `null`: not a virtual disk. */
export function virtualDisk(folder: string): VirtualDisk | null {
  for (const candidate of [folder, posix.dirname(folder)]) {
    const name = posix.basename(candidate)
    const known = VIRTUAL_DISKS.find(([pattern]) => pattern.test(name))
    if (known !== undefined) return { folder: candidate, module: known[1] }
  }
  return null
}

/** The module of a RAID level of md. */
export function raidModules(level: string): string[] {
  return [/^raid[456]$/.test(level) ? 'raid456' : level]
}

/**
 * The modules of device-mapper targets, by a prefix of the UUID. The tool that made the mapping chose
 * it.
 */
const TARGETS: readonly [prefix: string, module: string][] = [
  ['CRYPT-VERITY-', 'dm_verity'],
  ['CRYPT-INTEGRITY-', 'dm_integrity'],
  ['CRYPT-', 'dm_crypt'],
  ['mpath-', 'dm_multipath'],
]

/** The module of the target of a mapping. It is not known from the UUIDs of LVM and of other tools. */
export function mapperModules(uuid: string): string[] {
  const target = TARGETS.find(([prefix]) => uuid.startsWith(prefix))
  return target === undefined ? [] : [target[1]]
}

/** The modules of a transport that is not hardware, such as iSCSI or NVMe over TCP. */
export async function transportModules(folder: string, sysfs: Sysfs): Promise<string[]> {
  const found = await Promise.all([ofScsiHost(folder, sysfs), ofFabric(folder, sysfs)])
  return found.filter((module) => module !== null)
}

/**
 * `proc_name` is the name of the host's driver. Most drivers are in a module of the same name. If there
 * is no such module, the module is not known. Source: show_proc_name() in drivers/scsi/scsi_sysfs.c.
 */
async function ofScsiHost(folder: string, sysfs: Sysfs): Promise<string | null> {
  const host = /\/(host\d+)\/(?:session|target|rport|port|end_device)/.exec(folder)?.[1]
  if (host === undefined) return null
  const name = await sysfs.text(`/sys/class/scsi_host/${host}/proc_name`)
  if (name === null || !/^[\w-]+$/.test(name)) return null
  const module = normalize(name)
  return (await sysfs.text(`/sys/module/${module}/initstate`)) === null ? null : module
}

/** NVMe over a network. Source: nvmf_transport_ops in drivers/nvme/host. */
async function ofFabric(folder: string, sysfs: Sysfs): Promise<string | null> {
  const controller = /^.*\/nvme-fabrics\/ctl\/nvme\d+(?=\/|$)/.exec(folder)?.[0]
  if (controller === undefined) return null
  const transport = await sysfs.text(`${controller}/transport`)
  return transport !== null && /^\w+$/.test(transport) ? `nvme_${transport}` : null
}

/** The modules that simulate flash, by the names that they give it. No link in /sys leads to them. */
const SIMULATED_FLASH: readonly [pattern: RegExp, module: string][] = [
  [/^mtdram test device$/, 'mtdram'],
  [/^NAND simulator /, 'nandsim'],
]

const UBI = /^.*\/ubi\d+(?=\/|$)/

/**
 * The folder of the flash device (mtdN) of which this one is a part; `null`: it is none. A device of UBI is
 * a child of its flash only in newer kernels. Source: ubi_attach_mtd_dev() in drivers/mtd/ubi/build.c.
 */
export async function flashFolder(folder: string, sysfs: Sysfs): Promise<string | null> {
  const flash = /^.*\/mtd\/mtd\d+(?=\/|$)/.exec(folder)?.[0]
  if (flash !== undefined) return flash
  const ubi = UBI.exec(folder)?.[0]
  const number = ubi === undefined ? null : await sysfs.text(`${ubi}/mtd_num`)
  return /^\d+$/.test(number ?? '') ? sysfs.link(`/sys/class/mtd/mtd${number}`) : null
}

/** The module that drives a flash device; `null`: not known. */
export async function flashDriver(flash: string, sysfs: Sysfs): Promise<string | null> {
  const [driver] = await sysfs.drivers(flash)
  if (driver?.module != null) return driver.module
  const name = (await sysfs.text(`${flash}/name`)) ?? ''
  return SIMULATED_FLASH.find(([pattern]) => pattern.test(name))?.[1] ?? null
}

/** The modules of flash, and of UBI on it, below a device or a mount. */
export async function flashModules(folder: string, sysfs: Sysfs): Promise<string[]> {
  const flash = await flashFolder(folder, sysfs)
  if (flash === null) return []
  const driver = await flashDriver(flash, sysfs)
  return [...(UBI.test(folder) ? ['ubi'] : []), ...(driver === null ? [] : [driver]), 'mtd']
}
