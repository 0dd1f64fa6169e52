/** A system as it would be without some users: for a plan that releases them. */
import type { User } from '../contract/types'
import type { Snapshot } from '../kernel/snapshot'

export function without(snapshot: Snapshot, users: readonly User[]): Snapshot {
  return users.reduce(withoutOne, snapshot)
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

function withoutMount(snapshot: Snapshot, path: string, pid: number): Snapshot {
  const mounts = snapshot.mounts.filter((mount) => mount.path !== path || mount.pid !== pid)
  const isLast = !mounts.some((mount) => mount.path === path)
  return { ...snapshot, mounts, blocks: isLast ? unused(snapshot, path) : snapshot.blocks }
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
