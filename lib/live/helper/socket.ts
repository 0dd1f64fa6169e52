/** The socket of a helper as a stream of each JavaScript runtime. */
import { connect, Socket, type NetConnectOpts } from 'node:net'

/**
 * The stream owns the descriptor. Bun (1.4) ignores the `fd` of the constructor and takes one in
 * connect() instead, which Node.js and Deno reject; nothing else of the conversation differs.
 */
export function openSocket(fd: number): Socket {
  if (process.versions.bun !== undefined) return connect({ fd } as unknown as NetConnectOpts)
  return new Socket({ fd, readable: true, writable: true })
}
