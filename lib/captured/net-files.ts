/** The files of /proc/net and /proc/sys/net, which a survey of the running system reads too. */
import type { SystemFiles } from '../kernel/system-files'
import type { RawSurvey } from '../snapshot/system/raw-survey'

const CONNECTIONS = ['/proc/net/tcp', '/proc/net/tcp6']

/** Read only with users. The same list is in native/net/net_files.cc. */
const USER_FILES = [
  '/proc/net/protocols',
  '/proc/net/pfkey',
  '/proc/net/hci',
  '/proc/net/l2cap',
  '/proc/net/rfcomm',
  '/proc/net/sco',
  '/proc/net/ip_tables_names',
  '/proc/net/ip6_tables_names',
  '/proc/net/arp_tables_names',
  '/proc/sys/net/core/default_qdisc',
  '/proc/sys/net/ipv4/tcp_congestion_control',
]

export async function capturedNetFiles(
  files: SystemFiles,
  users: boolean,
): Promise<Pick<RawSurvey, 'netFiles' | 'unreadable'>> {
  const paths = users ? [...CONNECTIONS, ...USER_FILES] : CONNECTIONS
  const [modules, ...texts] = await files.readTexts(['/proc/modules', ...paths])
  const netFiles = paths.flatMap((path, i) => {
    const text = texts[i]
    return text == null ? [] : [{ netns: null, path, text }]
  })
  const has = (path: string): boolean => netFiles.some((file) => file.path === path)
  const unreadable: string[] = []
  if (!has('/proc/net/tcp')) unreadable.push('connections: /proc/net/tcp was not captured')
  if (users) {
    if (!has('/proc/net/protocols')) {
      unreadable.push('open sockets: /proc/net/protocols was not captured')
    }
    if (/^nf_tables /m.test(modules ?? '')) {
      unreadable.push('the rules of nftables: no file shows them')
    }
    if (/^(?:sch|cls)_/m.test(modules ?? '')) {
      unreadable.push('queueing disciplines and filters of interfaces: no file shows them')
    }
  }
  return { netFiles, unreadable }
}
