/** Open sockets of a protocol that the module provides. */
import type { LoadedModule } from '../contract/types'
import type { SocketUse } from '../kernel/snapshot'
import { byHand, releaseByAll } from './holder'
import type { FindUsers } from './kind'

export const socketUsers: FindUsers = (row, { sockets }) =>
  sockets
    .filter((use) => isUser(use, row))
    .map((use) => ({
      kind: 'socket',
      module: row.name,
      protocol: use.protocol,
      count: use.count,
      processes: use.processes.map(({ pid, comm }) => ({ pid, comm })),
      references: use.modules.includes(row.name) ? use.count * referencesOf(use.protocol) : null,
      release: releaseOf(use),
    }))

/** A module that only some of the sockets refer to is used only if it has references at all. */
function isUser({ modules, ofSome }: SocketUse, { name, refCount }: LoadedModule): boolean {
  return modules.includes(name) || (ofSome.includes(name) && refCount !== 0)
}

/**
 * A socket takes one reference to its protocol's module, and one to the module of its operations, which
 * in most families is the same. Source: sk_prot_alloc() in net/core/sock.c, __sock_create() in
 * net/socket.c.
 */
function referencesOf(protocol: string): number {
  return protocol.startsWith('CAN_') || protocol.startsWith('NETLINK') || protocol === 'PNPIPE'
    ? 1
    : 2
}

function releaseOf({ protocol, count, held, processes }: SocketUse): ReturnType<typeof byHand> {
  const sockets = (n: number): string =>
    `${n === 1 ? 'the socket' : `the ${n} sockets`} of protocol ${protocol}`
  if (held === null) return byHand(`close ${sockets(count)}`)
  // The kernel has sockets of its own (SCTP: one for each network namespace), which no program closes.
  const rest = count - held
  if (processes.length === 0) {
    return byHand(`no process that could be read holds ${sockets(count)}`)
  }
  const release = releaseByAll(processes, sockets(held))
  if (rest === 0) return release
  return {
    ...release,
    text: `${release.text}; no process that could be read holds the other ${rest}`,
  }
}
