/** The block devices that are set up or in use, and the users of each. */
import { posix } from 'node:path'
import type { BlockDevice } from '../../kernel/snapshot'
import { virtualDisk } from '../system/disk-modules'
import type { MountLine } from '../system/mount-tables'
import type { Sources } from '../system/sources'
import { parseSwaps } from './swaps'

interface Disk {
  folder: string
  partitions: string[]
  /** The backing file or process that the device consists of; `null`: the device is not set up. */
  madeOf: string[] | null
}

/** Lists whole disks only: a user of a partition is listed as a user of its disk. */
export async function readBlockDevices(sources: Sources): Promise<BlockDevice[]> {
  const [disks, direct] = await Promise.all([readDisks(sources), findDirectUsers(sources)])
  await addLoopDevices(disks, direct, sources)
  const blocks = await Promise.all(
    disks.map(async (disk) => {
      const users = await usersOf(disk, direct, sources)
      if (disk.madeOf === null && users.length === 0) return []
      return [await toBlockDevice(disk.folder, [...(disk.madeOf ?? []), ...users], sources)]
    }),
  )
  return blocks.flat()
}

async function readDisks(sources: Sources): Promise<Disk[]> {
  const { sysfs } = sources
  const names = await sysfs.list('/sys/class/block')
  const links = await Promise.all(names.map((name) => sysfs.link(`/sys/class/block/${name}`)))
  const folders = new Set(links.filter((folder) => folder !== null))
  // The folder of a partition is inside the folder of its disk.
  const partitions = new Map<string, string[]>()
  for (const folder of folders) {
    const disk = posix.dirname(folder)
    if (folders.has(disk)) add(partitions, disk, folder)
  }
  return Promise.all(
    [...folders]
      .filter((folder) => !folders.has(posix.dirname(folder)))
      .map(async (folder) => ({
        folder,
        partitions: partitions.get(folder) ?? [],
        madeOf: await readMadeOf(folder, sources),
      })),
  )
}

/**
 * The `madeOf` of a disk. Some drivers (loop, nbd, zram, md) create devices in advance: these are not
 * set up until they have contents.
 */
async function readMadeOf(
  folder: string,
  { sysfs, blockDevices }: Sources,
): Promise<string[] | null> {
  const isEmpty = async (): Promise<boolean> => (await sysfs.text(`${folder}/size`)) === '0'
  switch (virtualDisk(folder)?.module) {
    case 'loop': {
      const file = await blockDevices.backingFile(folder)
      return file === null ? null : [file]
    }
    case 'nbd': {
      const pid = await sysfs.text(`${folder}/pid`)
      return pid === null ? null : [`process ${pid}`]
    }
    case 'zram':
      return Number(await sysfs.text(`${folder}/disksize`)) > 0 ? [] : null
    case 'md_mod':
      return (await isEmpty()) ? null : []
    // A RAM disk exists as long as its module is loaded, so it is listed only if something uses it.
    case 'brd':
      return null
    case 'dm_mod':
      return []
    default:
      // Left out: a drive without a medium, and a path of NVMe multipath, which has no device file.
      return (await isEmpty()) || (await sysfs.text(`${folder}/hidden`)) === '1' ? null : []
  }
}

/**
 * The mount paths (one for each file system) and `swap`, by the folder of the device that they are on.
 */
async function findDirectUsers({
  sysfs,
  blockDevices,
  mountTables,
  stack,
}: Sources): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>()
  const fileSystems = new Map<string, MountLine>()
  const ownFirst = [...mountTables.tables].sort((one, other) => Number(other.own) - Number(one.own))
  for (const line of ownFirst.flatMap(({ lines }) => lines)) {
    if (!fileSystems.has(line.superblock)) fileSystems.set(line.superblock, line)
  }
  const swaps = parseSwaps((await sysfs.text('/proc/swaps')) ?? '').filter(({ isFile }) => !isFile)
  const [mounted, swapped] = await Promise.all([
    Promise.all(
      [...fileSystems.values()].map(async (line) => ({
        user: line.path,
        folders: await stack.devicesOf(line),
      })),
    ),
    Promise.all(swaps.map(({ path }) => blockDevices.byPath(path))),
  ])
  for (const { user, folders } of mounted) for (const folder of folders) add(found, folder, user)
  for (const folder of swapped) if (folder !== null) add(found, folder, 'swap')
  return found
}

/** A loop device whose backing file is a disk keeps that disk open, as a mount does. */
async function addLoopDevices(
  disks: readonly Disk[],
  direct: Map<string, string[]>,
  { blockDevices }: Sources,
): Promise<void> {
  const loops = disks.flatMap(({ folder, madeOf }) =>
    (madeOf ?? []).filter((one) => one.startsWith('/dev/')).map((source) => ({ folder, source })),
  )
  const folders = await Promise.all(loops.map(({ source }) => blockDevices.byPath(source)))
  folders.forEach((folder, i) => {
    if (folder !== null) add(direct, folder, devicePath(loops[i]!.folder))
  })
}

async function usersOf(
  { folder, partitions }: Disk,
  direct: ReadonlyMap<string, string[]>,
  { sysfs }: Sources,
): Promise<string[]> {
  const parts = [folder, ...partitions]
  const holders = await Promise.all(parts.map((part) => sysfs.list(`${part}/holders`)))
  return [
    ...new Set(holders.flat().map(devicePath)),
    ...parts.flatMap((part) => direct.get(part) ?? []),
  ]
}

async function toBlockDevice(
  folder: string,
  usedBy: string[],
  sources: Sources,
): Promise<BlockDevice> {
  const { blockDevices, stack } = sources
  const path = devicePath(folder)
  const [modules, all, mapping] = await Promise.all([
    blockDevices.providers(folder),
    stack.modules([folder]),
    readMapping(folder, path, sources),
  ])
  return { path, mapping, usedBy, modules, below: all.filter((one) => !modules.includes(one)) }
}

async function readMapping(
  folder: string,
  path: string,
  { sysfs }: Sources,
): Promise<BlockDevice['mapping']> {
  if (virtualDisk(folder)?.module !== 'dm_mod') return null
  const [name, uuid] = await Promise.all([
    sysfs.text(`${folder}/dm/name`),
    sysfs.text(`${folder}/dm/uuid`),
  ])
  return { name: name ?? path, uuid: uuid ?? '' }
}

/** /sys has `!` where the name of a device has a slash. */
function devicePath(folder: string): string {
  return `/dev/${posix.basename(folder).replaceAll('!', '/')}`
}

function add(lists: Map<string, string[]>, key: string, value: string): void {
  lists.set(key, [...(lists.get(key) ?? []), value])
}
