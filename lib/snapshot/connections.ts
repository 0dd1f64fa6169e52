/** The connections in /proc/net/tcp and tcp6. Source: get_tcp4_sock() in net/ipv4/tcp_ipv4.c. */
import { addressOfWords } from './system/ip-address'

/** TCP_ESTABLISHED in include/net/tcp_states.h. */
const ESTABLISHED = '01'

/** "12: LOCAL:PORT REMOTE:PORT STATE ..." */
const ROW = /^ *\d+: ([0-9A-F]+):[0-9A-F]{4} ([0-9A-F]+):([0-9A-F]{4}) ([0-9A-F]{2}) /gm

export interface Connection {
  local: string
  remote: string
  remotePort: number
}

/** The established ones. */
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
