/** The open sockets of each protocol, and the processes that hold them. */
import { normalize } from '../../contract/names'
import type { Holder, SocketUse } from '../../kernel/snapshot'
import type { RawNetFile, RawOpenSockets } from '../system/raw-survey'
import type { Sources } from '../system/sources'

/**
 * Protocols whose sockets /proc/net/protocols does not count, by the file that lists the sockets of a
 * network namespace. The file has a heading, and a row for each socket.
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
 * Protocols that /proc/net/protocols does not list, because their module does not register them. Source:
 * sk_alloc() and proto_register() in each module; drivers/isdn/mISDN/socket.c has the first only.
 */
const UNLISTED_MODULES: ReadonlyMap<string, string> = new Map([['misdn', 'mISDN_core']])

/** The families of netlink that modules provide. Source: netlink_kernel_create() in each module. */
const NETLINK_MODULES: ReadonlyMap<string, string> = new Map([
  ['6', 'xfrm_user'],
  ['8', 'scsi_transport_iscsi'],
  ['12', 'nfnetlink'],
  ['18', 'scsi_mod'],
  ['20', 'ib_core'],
  ['21', 'crypto_user'],
])

/**
 * Modules to which some sockets of a protocol refer, too: the type of an algorithm, and the transport of
 * a connection. No file shows which sockets these are. Source: alg_bind() in crypto/af_alg.c,
 * vsock_assign_transport() in net/vmw_vsock/af_vsock.c.
 */
const OF_SOME_SOCKETS: ReadonlyMap<string, readonly string[]> = new Map([
  ['ALG', ['algif_hash', 'algif_skcipher', 'algif_aead', 'algif_rng']],
  [
    'AF_VSOCK',
    [
      'vsock_loopback',
      'vmw_vsock_virtio_transport',
      'vmw_vsock_vmci_transport',
      'hv_sock',
      'vhost_vsock',
    ],
  ],
])

type SocketSources = { raw: Pick<Sources['raw'], 'netFiles' | 'openSockets'> } & Pick<
  Sources,
  'holders'
>

/**
 * Protocols that are compiled in, or that have no socket, are left out. The counts are those of all
 * network namespaces together.
 */
export function readSockets({ raw, holders }: SocketSources): SocketUse[] {
  const uses = protocolsOf(raw.netFiles)
  for (const [protocol, count] of countsOfOwnFiles(raw.netFiles)) {
    const use = uses.get(protocol)
    if (use !== undefined) use.count = Math.max(use.count, count)
  }
  const families = netlinkFamilies(raw.netFiles)
  const counted = new Set<string>()
  for (const open of raw.openSockets) {
    const holder = holders.holder(open)
    if (open.protocol === 'NETLINK') addNetlink(open, holder, families, counted, uses)
    else addHolder(useOf(open.protocol, uses), open.count, holder)
  }
  for (const use of uses.values()) use.count = Math.max(use.count, use.held ?? 0)
  return [...uses.values()].filter(({ count }) => count > 0)
}

/** undefined for a protocol that no module provides. */
function useOf(protocol: string, uses: Map<string, SocketUse>): SocketUse | undefined {
  const module = UNLISTED_MODULES.get(protocol)
  if (module !== undefined && !uses.has(protocol)) uses.set(protocol, emptyUse(protocol, module))
  return uses.get(protocol)
}

function addHolder(use: SocketUse | undefined, count: number, holder: Holder): void {
  if (use === undefined) return
  use.held = (use.held ?? 0) + count
  use.processes.push(holder)
}

/** Several processes can hold one socket: it is counted once. */
function addNetlink(
  { inodes }: RawOpenSockets,
  holder: Holder,
  families: ReadonlyMap<string, string>,
  counted: Set<string>,
  uses: Map<string, SocketUse>,
): void {
  const counts = new Map<string, number>()
  for (const inode of inodes) {
    const family = families.get(inode)
    if (family === undefined || !NETLINK_MODULES.has(family)) continue
    counts.set(family, (counts.get(family) ?? 0) + (counted.has(inode) ? 0 : 1))
    counted.add(inode)
  }
  for (const [family, count] of counts) {
    const module = NETLINK_MODULES.get(family)!
    const protocol = `NETLINK ${family}`
    const use = uses.get(protocol) ?? emptyUse(protocol, module)
    uses.set(protocol, use)
    addHolder(use, count, holder)
  }
}

/**
 * A heading, and rows "NAME SIZE SOCKETS MEMORY PRESSURE HEADROOM SLAB MODULE ...". Source:
 * proto_seq_printf() in net/core/sock.c.
 */
function protocolsOf(files: readonly RawNetFile[]): Map<string, SocketUse> {
  const uses = new Map<string, SocketUse>()
  for (const row of rowsOf('/proc/net/protocols', files)) {
    const [protocol = '', , sockets, , , , , module] = row.split(/\s+/)
    // Protocols that do not count their sockets have -1, or 0.
    const count = Math.max(0, Number(sockets))
    if (module === undefined || module === NO_MODULE || Number.isNaN(count)) continue
    const use = uses.get(protocol) ?? emptyUse(protocol, normalize(module))
    use.count += count
    uses.set(protocol, use)
  }
  return uses
}

function emptyUse(protocol: string, module: string): SocketUse {
  const ofSome = [...(OF_SOME_SOCKETS.get(protocol) ?? [])]
  return { protocol, count: 0, held: null, processes: [], modules: [module], ofSome }
}

function countsOfOwnFiles(files: readonly RawNetFile[]): Map<string, number> {
  return new Map(
    [...OWN_FILES].map(([path, protocol]) => [protocol, rowsOf(path, files).length] as const),
  )
}

/**
 * The family of each socket, by its inode. Rows "SK FAMILY PORTID GROUPS RMEM WMEM DUMP LOCKS DROPS
 * INODE". Source: netlink_native_seq_show() in net/netlink/af_netlink.c.
 */
function netlinkFamilies(files: readonly RawNetFile[]): Map<string, string> {
  return new Map(
    rowsOf('/proc/net/netlink', files).flatMap((row) => {
      const [, family, , , , , , , , inode] = row.trim().split(/\s+/)
      return family === undefined || inode === undefined ? [] : [[inode, family] as const]
    }),
  )
}

/** The rows below the heading, of all network namespaces. */
function rowsOf(path: string, files: readonly RawNetFile[]): string[] {
  return files
    .filter((file) => file.path === path)
    .flatMap(({ text }) => text.split('\n').slice(1))
    .filter((row) => row !== '')
}
