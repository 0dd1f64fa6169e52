/** The block devices that are set up or in use. */
import { posix } from 'node:path'
import type { BlockUse } from '../kernel/snapshot'
import { blockRelease } from './block-release'
import type { MountLine } from './system/mountinfo'
import type { Sources } from './system/sources'
import { swapRows } from './swaps'
import { virtualDisk } from './system/virtual-disks'

interface Disk {
  folder: string
  partitions: string[]
  /** What it is made of; `null`: it is not set up. */
  madeOf: string[] | null
}

/** Whole disks; what uses a partition uses its disk. */
export async function readBlocks(sources: Sources): Promise<BlockUse[]> {
  const [disks, direct] = await Promise.all([readDisks(sources), directUsers(sources)])
  await addLoopSources(disks, direct, sources)
  const blocks = await Promise.all(
    disks.map(async (disk) => {
      const users = await usersOf(disk, direct, sources)
      if (disk.madeOf === null && users.length === 0) return []
      return [await toBlock(disk.folder, [...(disk.madeOf ?? []), ...users], sources)]
    }),
  )
  return blocks.flat()
}

async function readDisks(sources: Sources): Promise<Disk[]> {
  const { sysfs } = sources
  const names = await sysfs.list('/sys/class/block')
  const links = await Promise.all(names.map((name) => sysfs.link(`/sys/class/block/${name}`)))
  const folders = new Set(links.filter((folder) => folder !== null))
  // A partition's folder is in its disk's.
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

/** A loop device over a disk keeps that open, as a mount does. */
async function addLoopSources(
  disks: readonly Disk[],
  direct: Map<string, string[]>,
  { devices }: Sources,
): Promise<void> {
  const loops = disks.flatMap(({ folder, madeOf }) =>
    (madeOf ?? []).filter((one) => one.startsWith('/dev/')).map((source) => ({ folder, source })),
  )
  const under = await Promise.all(loops.map(({ source }) => devices.byPath(source)))
  under.forEach((folder, i) => {
    if (folder !== null) add(direct, folder, devicePath(loops[i]!.folder))
  })
}

/** `!` is what /sys has for the slash in a name. */
function devicePath(folder: string): string {
  return `/dev/${posix.basename(folder).replaceAll('!', '/')}`
}

/** Mounts, one for each file system, and swap, by the folder of the device. */
async function directUsers({
  sysfs,
  devices,
  tables,
  stack,
}: Sources): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>()
  const systems = new Map<string, MountLine>()
  const ownFirst = [...tables.tables].sort((one, other) => Number(other.own) - Number(one.own))
  for (const line of ownFirst.flatMap(({ lines }) => lines)) {
    if (!systems.has(line.superblock)) systems.set(line.superblock, line)
  }
  const swaps = swapRows((await sysfs.text('/proc/swaps')) ?? '').filter(({ isFile }) => !isFile)
  const [mounted, swapped] = await Promise.all([
    Promise.all(
      [...systems.values()].map(async (line) => ({
        user: line.path,
        folders: await stack.devicesOf(line),
      })),
    ),
    Promise.all(swaps.map(({ path }) => devices.byPath(path))),
  ])
  for (const { user, folders } of mounted) for (const folder of folders) add(found, folder, user)
  for (const folder of swapped) if (folder !== null) add(found, folder, 'swap')
  return found
}

function add(lists: Map<string, string[]>, key: string, value: string): void {
  lists.set(key, [...(lists.get(key) ?? []), value])
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

/**
 * A plain disk is there as long as it is plugged in, a RAM disk from the start
 * until its module goes: that one counts where it is used.
 */
async function readMadeOf(folder: string, { sysfs, devices }: Sources): Promise<string[] | null> {
  const isEmpty = async (): Promise<boolean> => (await sysfs.text(`${folder}/size`)) === '0'
  switch (virtualDisk(folder)?.module) {
    case 'loop': {
      const file = await devices.backingFile(folder)
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
    case 'brd':
      return null
    case 'dm_mod':
      return []
    default:
      // A drive without a medium; one path of several to an NVMe disk, which has no device file.
      return (await isEmpty()) || (await sysfs.text(`${folder}/hidden`)) === '1' ? null : []
  }
}

async function toBlock(folder: string, usedBy: string[], sources: Sources): Promise<BlockUse> {
  const { sysfs, devices, stack } = sources
  const module = virtualDisk(folder)?.module ?? null
  const [modules, all, mapping] = await Promise.all([
    devices.providers(folder),
    stack.modules([folder]),
    module === 'dm_mod'
      ? Promise.all([sysfs.text(`${folder}/dm/name`), sysfs.text(`${folder}/dm/uuid`)])
      : null,
  ])
  const path = devicePath(folder)
  const named = mapping && { name: mapping[0] ?? path, uuid: mapping[1] ?? '' }
  return {
    path,
    usedBy,
    modules,
    below: all.filter((one) => !modules.includes(one)),
    release: blockRelease({ module, path, mapping: named }, usedBy),
  }
}
