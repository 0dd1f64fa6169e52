import type { Explainer } from './explainer'

/**
 * Open sockets. Each takes one reference of its protocol's module; one that a process holds takes
 * another of its family's, which may be the same. Source: sk_prot_alloc() in net/core/sock.c,
 * __sock_create() in net/socket.c.
 */
export const socketUsers: Explainer = ({ name: module }, { sockets }) =>
  sockets
    .filter(({ modules }) => modules.includes(module))
    .map(({ protocol, count }) => ({
      kind: 'socket',
      module,
      protocol,
      count,
      references: count,
      release: {
        text: `close ${count === 1 ? 'the open socket' : `the ${count} open sockets`} of ${protocol}`,
        command: null,
      },
    }))
