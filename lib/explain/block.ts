/** Block devices that are set up or in use, and swap areas. */
import type { User } from '../contract/types'
import type { BlockDevice, Snapshot } from '../kernel/snapshot'
import { firstText, type FindUsers } from './kind'

export const blockUsers: FindUsers = ({ name }, snapshot) =>
  snapshot.blocks
    .filter(({ modules, below }) => modules.includes(name) || below.includes(name))
    .map((block) => ({
      kind: 'block',
      module: name,
      path: block.path,
      usedBy: [...(block.madeOf === null ? [] : [block.madeOf]), ...block.usedBy],
      references: referencesOf(name, block),
      release: releaseOf(block, snapshot),
    }))

/**
 * Everything that opens a block device takes one reference to its driver's module: a mount, a device
 * above it, swap. (Swap is not counted here, because swapUsers lists it.) A mapping also takes one as
 * long as it exists, and so does a loop or network block device for its backing file or process.
 * Source: blkdev_get_by_dev() in block/bdev.c, alloc_dev() in drivers/md/dm.c, loop_configure() in
 * drivers/block/loop.c, nbd_alloc_and_init_config() in drivers/block/nbd.c.
 */
function referencesOf(name: string, block: BlockDevice): number | null {
  const { modules, madeOf, usedBy, mapping } = block
  if (!modules.includes(name)) return null
  const ofSegments = mapping?.segments?.find(({ module }) => module === name)?.count ?? 0
  // Each device takes one reference to the module of its RAID level, and each segment of a mapping one
  // to that of its target. Without the table of a mapping, one segment is certain. Source: md_run() in
  // drivers/md/md.c, dm_get_target_type() in drivers/md/dm-target.c.
  if (modules[0] !== name) return mapping?.segments == null ? 1 : ofSegments
  const opened = usedBy.filter((user) => user !== 'swap').length + (madeOf === null ? 0 : 1)
  return name === 'dm_mod' ? opened + 1 + ofSegments : opened
}

interface Detachment {
  command: string[]
  /** What is lost, as a clause. */
  lost?: string
}

/** How to detach a device, by the module of its driver. Other devices cannot be detached. */
const DETACH: Readonly<Record<string, (block: BlockDevice) => Detachment>> = {
  loop: ({ path }) => ({ command: ['losetup', '-d', path] }),
  zram: ({ path }) => ({
    command: ['zramctl', '--reset', path],
    lost: 'its contents are in memory and are lost',
  }),
  ubi: ({ path }) => ({ command: ['ubidetach', '-d', path.replace('/dev/ubi', '')] }),
  md_mod: ({ path }) => ({ command: ['mdadm', '--stop', path] }),
  nbd: ({ path, setUpBy }) => ({ command: [setUpBy ?? 'nbd-client', '-d', path] }),
  dm_mod: ({ path, mapping }) => ({
    command: mapping?.uuid.startsWith('CRYPT-')
      ? ['cryptsetup', 'close', mapping.name]
      : ['dmsetup', 'remove', mapping?.name ?? path],
  }),
}

/** How to detach a device once nothing uses it; `null` if it cannot be detached. */
export function detachmentOf(block: BlockDevice): Detachment | null {
  return DETACH[block.modules[0] ?? '']?.(block) ?? null
}

function releaseOf(block: BlockDevice, snapshot: Snapshot): User['release'] {
  const { path, mapping, madeOf, modules } = block
  const name = mapping === null || mapping.name === path ? path : `${path} (${mapping.name})`
  const users = obstaclesOf(block, snapshot)
  const detachment = detachmentOf(block)
  if (detachment !== null) {
    const connected = madeOf === null ? '' : `, which is connected to ${madeOf}`
    const lost = detachment.lost === undefined ? '' : `; ${detachment.lost}`
    const text = `${firstText(users)}detach the block device ${name}${connected}${lost}`
    return { kind: 'block', text, command: users.length === 0 ? detachment.command : null }
  }
  if (modules[0] === 'brd' && users.length === 0) {
    const text = `the contents of the RAM disk ${name} are lost when brd is unloaded: copy what is needed`
    return { kind: null, text, command: null }
  }
  const text =
    users.length === 0
      ? `no user of the block device ${name} is known`
      : `what uses the block device ${name} must release it: ${users.join(', ')}`
  return { kind: null, text, command: null }
}

/** What must release the device before it can be detached, as phrases. */
function obstaclesOf(
  { path, mapping, setUpBy, usedBy }: BlockDevice,
  snapshot: Snapshot,
): string[] {
  const devices = new Map(snapshot.blocks.map((block) => [block.path, block]))
  const names = new Set([path, ...(mapping === null ? [] : [`/dev/mapper/${mapping.name}`])])
  // The partitions of a disk whose name ends in a digit have a `p` before their number.
  const partition = /\d$/.test(path) ? /^p\d+$/ : /^\d+$/
  const isOwn = (file: string): boolean =>
    names.has(file) || (file.startsWith(path) && partition.test(file.slice(path.length)))
  return [
    ...new Set([
      ...usedBy.map((user) => {
        if (user === 'swap') return `stop the swap on ${path}`
        return devices.has(user) || user.startsWith('/dev/') ? `detach ${user}` : `unmount ${user}`
      }),
      ...snapshot.openDevices
        .filter((open) => isOwn(open.path) && open.comm !== setUpBy)
        .map(({ pid, comm }) => `close it in process ${pid} (${comm})`),
    ]),
  ]
}

/**
 * A swap area keeps its block device open. How many references the modules below have because of it is
 * not known. A swap file takes no reference, but the mount of its file system has one. Source:
 * claim_swapfile() in mm/swapfile.c.
 */
export const swapUsers: FindUsers = ({ name }, { swaps }) =>
  swaps
    .filter(({ below }) => below.includes(name))
    .map(({ path, fileOn, opens, below }) => ({
      kind: 'swap',
      module: name,
      path,
      references: fileOn !== null ? 0 : below[0] === name ? opens : null,
      release: { kind: 'swap', text: `stop swapping to ${path}`, command: ['swapoff', path] },
    }))
