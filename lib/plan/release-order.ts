/** What must be released before a user can be. */
import type { ReleaseKind, User } from '../contract/types'
import { isBelow } from '../kernel/folder-processes'
import type { Snapshot } from '../kernel/snapshot'
import { mountedOf, type Mounted } from './protected-users'

/** The wanted users, and those of `users` that must be released first, directly or through others. */
export function requiredFirst(
  users: readonly User[],
  wanted: readonly User[],
  snapshot: Snapshot,
): User[] {
  const found = new Set(wanted)
  // The loop also visits the users that are added meanwhile.
  for (const user of found) {
    const mounted = user.kind === 'mount' ? mountedOf(user, snapshot.mounts) : null
    for (const other of users) if (isOn(other, user, mounted, snapshot)) found.add(other)
  }
  return [...found]
}

/** Users of an earlier kind are released first: they may use those of a later kind. */
const ORDER: readonly (ReleaseKind | null)[] = [
  'service',
  'process',
  'swap',
  'mount',
  'interface',
  'block',
  'device',
]

/** The order of users that can all be released now; for sort(). */
export function compareReleases(one: User, other: User, snapshot: Snapshot): number {
  const byKind = ORDER.indexOf(one.release.kind) - ORDER.indexOf(other.release.kind)
  if (byKind !== 0) return byKind
  // The deepest mount first.
  if (one.kind === 'mount' && other.kind === 'mount') return other.path.length - one.path.length
  if (isOn(one, other, null, snapshot)) return -1
  return isOn(other, one, null, snapshot) ? 1 : 0
}

/**
 * Whether `other` uses `user`, so that `user` can be released only after it. `mounted`: null if `user` is
 * no mount.
 */
function isOn(other: User, user: User, mounted: Mounted | null, { blocks }: Snapshot): boolean {
  if (user.kind === 'block') {
    switch (other.kind) {
      case 'mount':
        return other.source === user.path || user.usedBy.includes(other.path)
      case 'swap':
        return other.path === user.path
      case 'block':
        // Not its own entry for another module, whose `usedBy` names what it is made of.
        return other.path !== user.path && user.usedBy.includes(other.path)
      case 'process':
        return other.path === user.path
      default:
        return false
    }
  }
  if (mounted === null) return false
  const { superblock, folders } = mounted
  const isOnIt = (path: string): boolean => folders.some((folder) => isBelow(path, folder))
  switch (other.kind) {
    case 'mount':
      return !folders.includes(other.path) && isOnIt(other.path)
    case 'swap':
    case 'process':
      return isOnIt(other.path)
    case 'block':
      return blocks.some(({ path, fileOn }) => path === other.path && fileOn === superblock)
    default:
      return false
  }
}
