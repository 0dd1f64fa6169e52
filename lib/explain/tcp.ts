/** TCP sockets that use a congestion control or an upper layer protocol of the module. */
import { inNamespace } from '../kernel/net-namespace'
import { using, whereText, type FindUsers } from './kind'

/**
 * A socket takes a reference to its congestion control and to its upper layer protocol. Source:
 * tcp_set_congestion_control() in net/ipv4/tcp_cong.c, tcp_set_ulp() in net/ipv4/tcp_ulp.c.
 */
export const tcpUsers: FindUsers = (row, { tcpUses }) =>
  using(tcpUses, row).map(({ netns, name, count }) => ({
    kind: 'socket',
    module: row.name,
    protocol: inNamespace(netns, `TCP with ${name}`),
    count,
    // The kernel's list of these sockets does not name processes.
    processes: [],
    references: count,
    release: {
      kind: null,
      text: `close ${count === 1 ? 'the TCP socket' : `the ${count} TCP sockets`} with ${name}${whereText(netns)} (ss -tanpie shows them)`,
      command: null,
    },
  }))
