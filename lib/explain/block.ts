import type { BlockUse } from '../kernel/snapshot'
import type { Explainer } from './explainer'

/** The block devices that are set up or in use, and what uses them. */
export const blockUsers: Explainer = ({ name }, { blocks }) =>
  blocks
    .filter(({ modules, below }) => modules.includes(name) || below.includes(name))
    .map((block) => ({
      kind: 'block',
      module: name,
      path: block.path,
      usedBy: block.usedBy,
      references: referencesOf(name, block),
      release: block.release,
    }))

/**
 * Whoever opens a block device takes one reference of its module: a mount, a device on top, swap
 * (which is a user of its own). A mapping takes one for as long as it exists, and so does a loop or
 * network device for what it is made of, which `usedBy` begins with. Source: blkdev_get_by_dev() in
 * block/bdev.c, alloc_dev() in drivers/md/dm.c, loop_configure() in drivers/block/loop.c,
 * nbd_alloc_and_init_config() in drivers/block/nbd.c.
 */
function referencesOf(name: string, { modules, usedBy }: BlockUse): number | null {
  if (!modules.includes(name)) return null
  // A personality or target, once for the device. Source: md_run() in drivers/md/md.c,
  // dm_get_target_type() in drivers/md/dm-target.c.
  if (modules[0] !== name) return 1
  const opened = usedBy.filter((user) => user !== 'swap').length
  return name === 'dm_mod' ? opened + 1 : opened
}
