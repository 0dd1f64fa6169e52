/** Open sockets of a protocol that the module provides. */
import { using, type FindUsers } from './kind'

/**
 * A socket takes one reference to its protocol's module. A socket that a process has open also takes
 * one to the module of its address family, which may be the same module. Source: sk_prot_alloc() in
 * net/core/sock.c, __sock_create() in net/socket.c.
 */
export const socketUsers: FindUsers = (row, { sockets }) =>
  using(sockets, row).map(({ protocol, count }) => ({
    kind: 'socket',
    module: row.name,
    protocol,
    count,
    references: count,
    release: {
      kind: null,
      text: `close ${count === 1 ? 'the open socket' : `the ${count} open sockets`} of protocol ${protocol}`,
      command: null,
    },
  }))
