/** Block devices that are set up or in use, and swap areas. */
import type { User } from '../contract/types'
import type { BlockDevice } from '../kernel/snapshot'
import type { FindUsers } from './kind'

export const blockUsers: FindUsers = ({ name }, { blocks }) =>
  blocks
    .filter(({ modules, below }) => modules.includes(name) || below.includes(name))
    .map((block) => ({
      kind: 'block',
      module: name,
      path: block.path,
      usedBy: block.usedBy,
      references: referencesOf(name, block),
      release: releaseOf(block),
    }))

/**
 * Everything that opens a block device takes one reference to its driver's module: a mount, a device
 * above it, swap. (Swap is not counted here, because swapUsers lists it.) A mapping also takes one as
 * long as it exists, and so does a loop or network block device for its backing file or process, which
 * is the first entry of `usedBy`. Source: blkdev_get_by_dev() in block/bdev.c, alloc_dev() in
 * drivers/md/dm.c, loop_configure() in drivers/block/loop.c, nbd_alloc_and_init_config() in
 * drivers/block/nbd.c.
 */
function referencesOf(name: string, { modules, usedBy }: BlockDevice): number | null {
  if (!modules.includes(name)) return null
  // Each device takes one reference to the module of its RAID level or device-mapper target. Source:
  // md_run() in drivers/md/md.c, dm_get_target_type() in drivers/md/dm-target.c.
  if (modules[0] !== name) return 1
  const opened = usedBy.filter((user) => user !== 'swap').length
  return name === 'dm_mod' ? opened + 1 : opened
}

type Command = (block: BlockDevice) => string[]

/** The command that detaches a device, by the module of its driver. Other devices have no command. */
const DETACH: Readonly<Record<string, Command>> = {
  loop: ({ path }) => ['losetup', '-d', path],
  zram: ({ path }) => ['zramctl', '--reset', path],
  md_mod: ({ path }) => ['mdadm', '--stop', path],
  nbd: ({ path }) => ['qemu-nbd', '-d', path],
  dm_mod: ({ path, mapping }) =>
    mapping?.uuid.startsWith('CRYPT-')
      ? ['cryptsetup', 'close', mapping.name]
      : ['dmsetup', 'remove', mapping?.name ?? path],
}

function releaseOf(block: BlockDevice): User['release'] {
  const { path, mapping, usedBy, modules } = block
  const command = DETACH[modules[0] ?? '']?.(block) ?? null
  const name = mapping === null || mapping.name === path ? path : `${path} (${mapping.name})`
  const users = usedBy.join(', ')
  if (command !== null) {
    const connected = users === '' ? '' : `, which is connected to ${users}`
    return { kind: 'block', text: `detach the block device ${name}${connected}`, command }
  }
  const text =
    users === ''
      ? `no user of the block device ${name} is known`
      : `unmount or detach what uses the block device ${name}: ${users}`
  return { kind: null, text, command }
}

/**
 * A swap area keeps its block device open, which takes one reference to the driver's module. (Older
 * kernels open the device twice.) How many references the modules below have because of it is not
 * known. A swap file takes no reference, but the mount of its file system has one. Source:
 * claim_swapfile() in mm/swapfile.c.
 */
export const swapUsers: FindUsers = ({ name }, { swaps }) =>
  swaps
    .filter(({ below }) => below.includes(name))
    .map(({ path, below }) => ({
      kind: 'swap',
      module: name,
      path,
      references: path.startsWith('/dev/') ? (below[0] === name ? 1 : null) : 0,
      release: { kind: 'swap', text: `stop swapping to ${path}`, command: ['swapoff', path] },
    }))
