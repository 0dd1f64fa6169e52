/** The open sockets of each protocol. */
import { normalize } from '../../contract/names'
import type { SocketUse } from '../../kernel/snapshot'
import type { Sources } from '../system/sources'

/**
 * Protocols whose sockets /proc/net/protocols does not count, by the file that lists these sockets. The
 * file has a heading, and a row for each socket.
 */
const OWN_FILES: ReadonlyMap<string, string> = new Map([
  ['/proc/net/pfkey', 'KEY'],
  ['/proc/net/hci', 'HCI'],
  ['/proc/net/l2cap', 'L2CAP'],
  ['/proc/net/rfcomm', 'RFCOMM'],
  ['/proc/net/sco', 'SCO'],
])

/**
 * The module name of a protocol that is compiled in. Source: module_name() in include/linux/module.h.
 */
const NO_MODULE = 'kernel'

/**
 * The counts of /proc/net/protocols are added up over all network namespaces. Protocols that are
 * compiled in, or that have no socket, are left out.
 */
export function readSockets({ raw }: { raw: Pick<Sources['raw'], 'netFiles'> }): SocketUse[] {
  const uses = new Map<string, SocketUse>()
  for (const { path, text } of raw.netFiles) {
    if (path === '/proc/net/protocols') addProtocols(text, uses)
  }
  for (const { path, text } of raw.netFiles) {
    const use = uses.get(OWN_FILES.get(path) ?? '')
    if (use !== undefined) use.count = Math.max(use.count, rowsOf(text))
  }
  return [...uses.values()].filter(({ count }) => count > 0)
}

/**
 * A heading, and rows "NAME SIZE SOCKETS MEMORY PRESSURE HEADROOM SLAB MODULE ...". Source:
 * proto_seq_printf() in net/core/sock.c.
 */
function addProtocols(text: string, uses: Map<string, SocketUse>): void {
  for (const row of text.split('\n').slice(1)) {
    const [protocol, , sockets, , , , , module] = row.split(/\s+/)
    const count = Number(sockets)
    if (module === undefined || module === NO_MODULE || !(count >= 0)) continue
    const use = uses.get(protocol!)
    if (use !== undefined) use.count += count
    else uses.set(protocol!, { protocol: protocol!, count, modules: [normalize(module)] })
  }
}

function rowsOf(text: string): number {
  return text.split('\n').filter((row) => row !== '').length - 1
}
