/** The established TCP connections to other machines, and the interfaces that they depend on. */
import { inNamespace } from '../../kernel/net-namespace'
import type { Session } from '../../kernel/network-facts'
import { addressOfWords, endpoint, isLoopback } from '../system/ip-address'
import type { Sources } from '../system/sources'
import { addTo } from '../../kernel/lists'

/**
 * A limit, because other users can open many connections. The guard needs only one for each interface;
 * more of them only make the number in its message exact.
 */
const MAX_PER_INTERFACE = 100

const TCP_FILES = ['/proc/net/tcp', '/proc/net/tcp6']

/**
 * A connection depends on the interface that has its local address. If several interfaces have the same
 * (link-local) address, the connection is listed for each of them.
 */
export function readSessions({ raw }: Pick<Sources, 'raw'>): Session[] {
  const { links, addresses, netFiles } = raw
  const names = new Map(links.map(({ netns, index, name }) => [inNamespace(netns, index), name]))
  const holders = new Map<string, number[]>()
  for (const { netns, index, address } of addresses) {
    addTo(holders, inNamespace(netns, address), index)
  }
  const remotes = new Map<string, Set<string>>()
  const sessions: Session[] = []
  for (const { netns, path, text } of netFiles) {
    if (!TCP_FILES.includes(path)) continue
    for (const { local, remote, remotePort } of establishedConnections(text)) {
      // A connection to an address of the same machine goes through the loopback interface.
      if (isLoopback(remote) || holders.has(inNamespace(netns, remote))) continue
      for (const index of holders.get(inNamespace(netns, local)) ?? []) {
        const key = inNamespace(netns, index)
        const name = names.get(key)
        if (name === undefined) continue
        const far = endpoint(remote, remotePort)
        const known = remotes.get(key) ?? new Set()
        remotes.set(key, known)
        if (known.has(far) || known.size >= MAX_PER_INTERFACE) continue
        known.add(far)
        sessions.push({ netns, interface: name, remote: far })
      }
    }
  }
  return sessions
}

/** TCP_ESTABLISHED in include/net/tcp_states.h. */
const ESTABLISHED = '01'

/** "12: LOCAL:PORT REMOTE:PORT STATE ..." Source: get_tcp4_sock() in net/ipv4/tcp_ipv4.c. */
const ROW = /^ *\d+: ([0-9A-F]+):[0-9A-F]{4} ([0-9A-F]+):([0-9A-F]{4}) ([0-9A-F]{2}) /gm

export interface Connection {
  local: string
  remote: string
  remotePort: number
}

/** The established connections in the text of /proc/net/tcp or tcp6. */
export function establishedConnections(text: string): Connection[] {
  const connections: Connection[] = []
  for (const [, localWords, remoteWords, port, state] of text.matchAll(ROW)) {
    if (state !== ESTABLISHED) continue
    const [local, remote] = [addressOfWords(localWords!), addressOfWords(remoteWords!)]
    if (local === null || remote === null) continue
    connections.push({ local, remote, remotePort: parseInt(port!, 16) })
  }
  return connections
}
