/** The files of /proc/net and /proc/sys/net, which a survey of the running system reads too. */
import type { SystemFiles } from '../kernel/system-files'
import type { RawSurvey } from '../snapshot/system/raw-survey'

const CONNECTIONS = ['/proc/net/tcp', '/proc/net/tcp6']

/** Read for the guard: the tables of firewalls, and the sessions of PPPoE. */
const GUARDED = [
  '/proc/net/ip_tables_names',
  '/proc/net/ip6_tables_names',
  '/proc/net/arp_tables_names',
  '/proc/net/ip_vs',
  '/proc/net/pppoe',
]

/** What no file shows. It may exist if a row of /proc/modules matches. */
const INVISIBLE: readonly [module: RegExp, what: string][] = [
  [/^nf_tables /m, 'the rules of nftables'],
  [/^(?:ip6?|arp)_tables |^ebtables /m, 'the rules of iptables'],
  [/^ip_set /m, 'the sets of ipset'],
  [/^(?:esp|ah)[46] |^ipcomp6? /m, 'the states and policies of IPsec'],
]

/** Read only if the caller asks for users. The same list is in native/net/net_files.cc. */
const USER_FILES = [
  '/proc/net/protocols',
  '/proc/net/pfkey',
  '/proc/net/hci',
  '/proc/net/l2cap',
  '/proc/net/rfcomm',
  '/proc/net/sco',
  '/proc/sys/net/core/default_qdisc',
  '/proc/sys/net/ipv4/tcp_congestion_control',
]

export async function capturedNetFiles(
  files: SystemFiles,
  users: boolean,
): Promise<Pick<RawSurvey, 'netFiles' | 'unreadable'>> {
  const paths = [...CONNECTIONS, ...GUARDED, ...(users ? USER_FILES : [])]
  const [modules, ...texts] = await files.readTexts(['/proc/modules', ...paths])
  const netFiles = paths.flatMap((path, i) => {
    const text = texts[i]
    return text == null ? [] : [{ netns: null, path, text }]
  })
  const has = (path: string): boolean => netFiles.some((file) => file.path === path)
  const unreadable: string[] = []
  if (!has('/proc/net/tcp')) unreadable.push('connections: /proc/net/tcp was not captured')
  for (const [module, what] of INVISIBLE) {
    if (module.test(modules ?? '')) unreadable.push(`${what}: no file shows them`)
  }
  if (users) {
    if (!has('/proc/net/protocols')) {
      unreadable.push('open sockets: /proc/net/protocols was not captured')
    }
    if (/^(?:sch|cls)_/m.test(modules ?? '')) {
      unreadable.push('queueing disciplines and filters of interfaces: no file shows them')
    }
  }
  return { netFiles, unreadable }
}
