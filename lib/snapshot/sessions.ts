import type { Session } from '../kernel/snapshot'
import { establishedConnections } from './connections'
import { endpoint, isLoopback } from './system/ip-address'
import type { RawSurvey } from './system/raw'

/** As many as anybody looks at; that there is one is what counts. */
const PER_INTERFACE = 100

const TABLES = ['/proc/net/tcp', '/proc/net/tcp6']

/**
 * The established connections to other machines, each by the interface that holds its local address:
 * by several, where several hold it, as with addresses that are valid on one link alone.
 */
export function readSessions({ links, addresses, netFiles }: RawSurvey): Session[] {
  const place = (netns: string | null, what: number | string): string => `${netns ?? ''}\n${what}`
  const names = new Map(links.map(({ netns, index, name }) => [place(netns, index), name]))
  const holders = new Map<string, number[]>()
  for (const { netns, index, address } of addresses) {
    const key = place(netns, address)
    holders.set(key, [...(holders.get(key) ?? []), index])
  }
  const remotes = new Map<string, Set<string>>()
  const sessions: Session[] = []
  for (const { netns, path, text } of netFiles) {
    if (!TABLES.includes(path)) continue
    for (const { local, remote, remotePort } of establishedConnections(text)) {
      // To one of its own addresses a machine talks by the loopback.
      if (isLoopback(remote) || holders.has(place(netns, remote))) continue
      for (const index of holders.get(place(netns, local)) ?? []) {
        const name = names.get(place(netns, index))
        if (name === undefined) continue
        const far = endpoint(remote, remotePort)
        const known = remotes.get(place(netns, index)) ?? new Set()
        remotes.set(place(netns, index), known)
        if (known.has(far) || known.size >= PER_INTERFACE) continue
        known.add(far)
        sessions.push({ netns, interface: name, remote: far })
      }
    }
  }
  return sessions
}
