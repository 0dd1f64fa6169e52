/** The block devices that are set up or in use, and the users of each. */
import { posix } from 'node:path'
import type { BlockDevice, Mapping } from '../../kernel/snapshot'
import { virtualDisk } from '../system/disk-modules'
import { segmentsOf } from '../system/mapper-segments'
import type { MountLine } from '../system/mount-tables'
import type { Sources } from '../system/sources'
import type { Sysfs } from '../system/sysfs'
import { readFlash } from './flash'
import { parseSwaps } from './swaps'
import { addTo } from '../../kernel/lists'

interface Disk {
  folder: string
  partitions: string[]
  origin: Origin | null
}

/** What a device consists of; `null` instead of it: the device is not set up. */
type Origin = Pick<BlockDevice, 'madeOf' | 'setUpBy'>

const NOTHING: Origin = { madeOf: null, setUpBy: null }

/** Lists whole disks only: a user of a partition is listed as a user of its disk. */
export async function readBlockDevices(sources: Sources): Promise<BlockDevice[]> {
  const [disks, direct] = await Promise.all([readDisks(sources), findDirectUsers(sources)])
  await addLoopDevices(disks, direct, sources)
  const [flash, empty, ...blocks] = await Promise.all([
    readFlash(direct, sources),
    readEmptyMappings(sources),
    ...disks.map(async (disk) => {
      const users = await usersOf(disk, direct, sources)
      if (disk.origin === null && users.length === 0) return []
      return [await toBlockDevice(disk, users, sources)]
    }),
  ])
  return [...blocks.flat(), ...empty, ...flash]
}

/**
 * Mappings without a disk: since Linux 5.16, the kernel makes the disk when the first table is loaded.
 * Source: dm_setup_md_queue() in drivers/md/dm.c.
 */
async function readEmptyMappings({ raw, blockDevices, aliases }: Sources): Promise<BlockDevice[]> {
  const found = await Promise.all(
    raw.mappings.map(async (mapping): Promise<BlockDevice[]> => {
      const { device, name } = mapping
      if ((await blockDevices.byNumber(device)) !== null) return []
      const segments = await segmentsOf(mapping, aliases)
      return [
        {
          path: `/dev/dm-${device.split(':')[1]}`,
          mapping: { name, uuid: '', segments },
          ...{ madeOf: null, fileOn: null, setUpBy: null, usedBy: [] },
          modules: ['dm_mod'],
          below: [],
        },
      ]
    }),
  )
  return found.flat()
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
    if (folders.has(disk)) addTo(partitions, disk, folder)
  }
  return Promise.all(
    [...folders]
      .filter((folder) => !folders.has(posix.dirname(folder)))
      .map(async (folder) => ({
        folder,
        partitions: partitions.get(folder) ?? [],
        origin: await readOrigin(folder, sources),
      })),
  )
}

/** Some drivers (loop, nbd, zram, md, brd) create devices in advance, without contents. */
async function readOrigin(folder: string, sources: Sources): Promise<Origin | null> {
  const { sysfs, blockDevices } = sources
  const isEmpty = async (): Promise<boolean> => (await sysfs.text(`${folder}/size`)) === '0'
  switch (virtualDisk(folder)?.module) {
    case 'loop': {
      const file = await blockDevices.backingFile(folder)
      return file === null ? null : { ...NOTHING, madeOf: file }
    }
    case 'nbd':
      return readNbd(folder, sysfs)
    case 'zram':
      return Number(await sysfs.text(`${folder}/disksize`)) > 0 ? NOTHING : null
    case 'md_mod':
      return (await isEmpty()) ? null : NOTHING
    // One exists for each flash device, which is listed itself.
    case 'mtdblock':
      return null
    case 'brd':
      return (await hasPages(folder, sysfs)) ? NOTHING : null
    case 'dm_mod':
      return NOTHING
    default:
      // Left out: a drive without a medium, and a path of NVMe multipath, which has no device file.
      return (await isEmpty()) || (await sysfs.text(`${folder}/hidden`)) === '1' ? null : NOTHING
  }
}

/**
 * qemu-nbd stays connected to the device as a process. nbd-client hands the connection over to the
 * kernel and ends, or stays too (with -nonetlink); in both cases it can also end the connection. The
 * file `pid` has the number of a thread.
 */
async function readNbd(folder: string, sysfs: Sysfs): Promise<Origin | null> {
  const thread = await sysfs.text(`${folder}/pid`)
  if (thread === null) return null
  const [comm, status] = await Promise.all([
    sysfs.text(`/proc/${thread}/comm`),
    sysfs.text(`/proc/${thread}/status`),
  ])
  if (comm !== 'qemu-nbd' && comm !== 'nbd-client') {
    return { madeOf: 'a server', setUpBy: 'nbd-client' }
  }
  const pid = /^Tgid:\s*(\d+)$/m.exec(status ?? '')?.[1] ?? thread
  return { madeOf: `process ${pid}`, setUpBy: comm }
}

/**
 * Whether anything was written to a RAM disk. Only debugfs tells; where it is not mounted, the disk is
 * assumed to have contents, because they would be lost. Source: brd_alloc() in drivers/block/brd.c.
 */
async function hasPages(folder: string, sysfs: Sysfs): Promise<boolean> {
  const name = posix.basename(folder)
  return (await sysfs.text(`/sys/kernel/debug/ramdisk_pages/${name}`)) !== '0'
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
  for (const { user, folders } of mounted) for (const folder of folders) addTo(found, folder, user)
  for (const folder of swapped) if (folder !== null) addTo(found, folder, 'swap')
  return found
}

/** A loop device whose backing file is a disk keeps that disk open, as a mount does. */
async function addLoopDevices(
  disks: readonly Disk[],
  direct: Map<string, string[]>,
  { blockDevices }: Sources,
): Promise<void> {
  const loops = disks.flatMap(({ folder, origin }) => {
    const source = origin?.madeOf
    return source?.startsWith('/dev/') ? [{ folder, source }] : []
  })
  const folders = await Promise.all(loops.map(({ source }) => blockDevices.byPath(source)))
  folders.forEach((folder, i) => {
    if (folder !== null) addTo(direct, folder, devicePath(loops[i]!.folder))
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
  { folder, origin }: Disk,
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
  const below = all.filter((one) => !modules.includes(one))
  const { madeOf, setUpBy } = origin ?? NOTHING
  const [mount] = madeOf?.startsWith('/') ? stack.ofFile(madeOf) : []
  const fileOn = mount?.superblock ?? null
  return { path, mapping, madeOf, fileOn, setUpBy, usedBy, modules, below }
}

async function readMapping(
  folder: string,
  path: string,
  { sysfs, blockDevices }: Sources,
): Promise<Mapping | null> {
  if (virtualDisk(folder)?.module !== 'dm_mod') return null
  const [name, uuid, segments] = await Promise.all([
    sysfs.text(`${folder}/dm/name`),
    sysfs.text(`${folder}/dm/uuid`),
    blockDevices.segments(folder),
  ])
  return { name: name ?? path, uuid: uuid ?? '', segments }
}

/** /sys has `!` where the name of a device has a slash. */
function devicePath(folder: string): string {
  return `/dev/${posix.basename(folder).replaceAll('!', '/')}`
}
