/** Recognizes a user in two answers, between which the system has changed. */
import type { User } from '../contract/types'

/** The same for the same user. A process is one user here, whatever it has open. */
export function identityOf(user: User): string {
  return JSON.stringify([user.kind, ...identifyingFields(user)])
}

function identifyingFields(user: User): unknown[] {
  switch (user.kind) {
    case 'module':
      return [user.name]
    case 'mount':
      return [user.path, user.source, user.type]
    case 'process':
      return [user.pid]
    case 'device':
      return [user.bus, user.device, user.driver]
    case 'interface':
      // One of hardware is released by setting it down.
      return [user.netns, user.name, user.release.command?.at(-1) === 'down' && user.up]
    case 'socket':
      return [user.protocol]
    case 'swap':
    case 'block':
      return [user.path]
    default:
      return [user.name, user.value]
  }
}
