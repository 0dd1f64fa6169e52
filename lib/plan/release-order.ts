/** What must be released before a user can be. */
import type { ReleaseKind, User } from '../contract/types'
import type { Snapshot } from '../kernel/snapshot'
import { isBelow } from './protected-users'

/** The wanted users, and those of `users` that must be released first, directly or through others. */
export function requiredFirst(
  users: readonly User[],
  wanted: readonly User[],
  snapshot: Snapshot,
): User[] {
  const found = new Set(wanted)
  // The loop also visits the users that are added meanwhile.
  for (const user of found) {
    for (const other of users) if (isOn(other, user, snapshot)) found.add(other)
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
  if (isOn(one, other, snapshot)) return -1
  return isOn(other, one, snapshot) ? 1 : 0
}

/** Whether `other` uses `user`, so that `user` can be released only after it. */
function isOn(other: User, user: User, { blocks }: Snapshot): boolean {
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
  if (user.kind !== 'mount') return false
  switch (other.kind) {
    case 'mount':
      return other.path !== user.path && isBelow(other.path, user.path)
    case 'swap':
    case 'process':
      return isBelow(other.path, user.path)
    case 'block':
      return blocks.some(
        ({ path, usedBy }) => path === other.path && usedBy.some((one) => isBelow(one, user.path)),
      )
    default:
      return false
  }
}
