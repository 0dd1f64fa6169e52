/** A system as it would be without some users: for a plan that releases them. */
import type { User } from '../contract/types'
import { identityOf } from '../explain/identity'
import type { Snapshot } from '../kernel/snapshot'

export function without(snapshot: Snapshot, users: readonly User[]): Snapshot {
  const identities = new Set(users.map(identityOf))
  const given = snapshot.given.filter((user) => !identities.has(identityOf(user)))
  return users.reduce(withoutOne, { ...snapshot, given })
}

function withoutOne(snapshot: Snapshot, user: User): Snapshot {
  switch (user.kind) {
    case 'mount':
      return withoutMount(snapshot, user.path, user.pid)
    case 'swap':
      return {
        ...snapshot,
        swaps: snapshot.swaps.filter(({ path }) => path !== user.path),
        blocks: unused(snapshot, 'swap', (path) => path === user.path),
      }
    case 'block':
      return {
        ...snapshot,
        blocks: unused(snapshot, user.path).filter(({ path }) => path !== user.path),
      }
    case 'process':
      return {
        ...snapshot,
        openDevices: snapshot.openDevices.filter(({ pid }) => pid !== user.pid),
        virtualMachines: snapshot.virtualMachines.filter(({ pid }) => pid !== user.pid),
      }
    case 'interface': {
      const isIt = (one: Snapshot['interfaces'][number]): boolean =>
        one.name === user.name && one.netns === user.netns
      const { interfaces } = snapshot
      // One that is only set down stays.
      const isDeleted = user.release.command?.includes('del') ?? false
      return {
        ...snapshot,
        interfaces: isDeleted
          ? interfaces.filter((one) => !isIt(one))
          : interfaces.map((one) => (isIt(one) ? { ...one, up: false } : one)),
      }
    }
    case 'device':
      return {
        ...snapshot,
        boundDevices: snapshot.boundDevices.filter(
          ({ bus, device }) => bus !== user.bus || device !== user.device,
        ),
      }
    default:
      return snapshot
  }
}

/** The command unmounts all mounts of the file system. */
function withoutMount(snapshot: Snapshot, path: string, pid: number): Snapshot {
  const isIt = (mount: Snapshot['mounts'][number]): boolean =>
    mount.path === path && mount.pid === pid
  const superblock = snapshot.mounts.find(isIt)?.superblock
  const mounts = snapshot.mounts.filter((mount) => mount.superblock !== superblock)
  const left = new Set(mounts.map((mount) => mount.path))
  const places = new Set(
    snapshot.mounts.filter((mount) => mount.superblock === superblock).map((mount) => mount.path),
  )
  const isUsed = (by: string): boolean => !places.has(by) || left.has(by)
  const blocks = snapshot.blocks.map((block) => ({ ...block, usedBy: block.usedBy.filter(isUsed) }))
  return { ...snapshot, mounts, blocks }
}

/** The block devices without a user, or some of them. */
function unused(
  { blocks }: Snapshot,
  by: string,
  isOne: (path: string) => boolean = () => true,
): Snapshot['blocks'] {
  return blocks.map((block) =>
    isOne(block.path) ? { ...block, usedBy: block.usedBy.filter((one) => one !== by) } : block,
  )
}
