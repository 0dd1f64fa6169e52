import type { NetworkInterface, Session } from '../kernel/snapshot'
import type { Guard } from './guard'
import { interfaceName } from './interface-name'
import { withLower } from './lower'

/** Whoever is connected there, perhaps to do this very thing, would be cut off. */
export const session: Guard = ({ interfaces, sessions }) => {
  const remotes = new Map<string, string[]>()
  for (const { netns, interface: name, remote } of sessions) {
    const key = keyOf({ netns, name })
    const known = remotes.get(key)
    if (known === undefined) remotes.set(key, [remote])
    else known.push(remote)
  }
  return interfaces.flatMap((one) => {
    const far = remotes.get(keyOf(one))
    if (far === undefined) return []
    return [
      {
        kind: 'session',
        severity: 'critical',
        subject: interfaceName(one),
        message: `${describe(far)} through ${interfaceName(one)} would be lost.`,
        modules: withLower(one, interfaces).flatMap(({ modules }) => modules),
      },
    ]
  })
}

function keyOf({ netns, name }: Pick<NetworkInterface, 'netns' | 'name'>): string {
  return `${netns ?? ''}\n${name}`
}

function describe(remotes: readonly Session['remote'][]): string {
  return remotes.length === 1
    ? `The connection to ${remotes[0]}`
    : `${remotes.length} connections, such as that to ${remotes[0]},`
}
