/**
 * What filters, redirects or encrypts packets: the tables of nftables and iptables, the sets of ipset,
 * the services of IPVS, and IPsec.
 */
import { normalize } from '../../contract/names'
import type { Firewall, NfTable, PacketUse } from '../../kernel/network-facts'
import type { Aliases } from '../system/aliases'
import type { RawIpSet, RawIpsec, RawNetFile, RawXTable } from '../system/raw-survey'
import type { Sources } from '../system/sources'
import { readNfTables, X_FAMILIES } from './netfilter'

export async function readFirewalls(
  sources: Pick<Sources, 'raw' | 'aliases'>,
): Promise<Firewall[]> {
  const { raw } = sources
  const [nfTables, ipSets] = await Promise.all([
    readNfTables(sources),
    Promise.all(raw.ipSets.map((set) => ofIpSet(set, sources))),
  ])
  return [
    ...nfTables.flatMap(ofNfTable),
    ...raw.xTables.flatMap(ofXTable),
    ...ipSets,
    ...raw.netFiles.flatMap(ofIpvs),
    ...raw.ipsec.flatMap(ofIpsec),
  ]
}

/** A table without a chain has no effect on packets. */
function ofNfTable({ netns, family, name, chains, parts }: NfTable): Firewall[] {
  if (chains === 0) return []
  const subject = `${family} ${name}`
  const what = `table ${subject} of nftables with its ${counted(chains, 'chain')}`
  return [{ netns, subject, what, modules: parts.map(({ module }) => module) }]
}

/**
 * A table can exist only because its module is loaded. A table without rules and with ACCEPT as its
 * policy lets every packet pass, so it is left out.
 */
function ofXTable({ netns, family, name, rules, hasPolicy }: RawXTable): Firewall[] {
  const known = X_FAMILIES[family]
  if (known === undefined || (rules === 0 && !hasPolicy)) return []
  const { tool, prefix, core } = known
  const contents = [
    ...(rules === 0 ? [] : [counted(rules, 'rule')]),
    ...(hasPolicy ? ['policies other than ACCEPT'] : []),
  ]
  return [
    {
      netns,
      subject: `${family} ${name}`,
      what: `table ${name} of ${tool} with its ${contents.join(' and ')}`,
      modules: [`${prefix}_${name}`, core, 'x_tables'],
    },
  ]
}

/** Source: find_set_type() in net/netfilter/ipset/ip_set_core.c. */
async function ofIpSet(
  { netns, name, type }: RawIpSet,
  { aliases }: Pick<Sources, 'aliases'>,
): Promise<Firewall> {
  const provider = await setProvider(type, aliases)
  return {
    netns,
    subject: `ipset ${name}`,
    what: `set ${name} of ipset (${type})`,
    modules: [...provider, 'ip_set'],
  }
}

async function setProvider(type: string, aliases: Aliases): Promise<string[]> {
  const found = await aliases.ofFirst([`ip_set_${type}`])
  return found.length > 0 ? found : [`ip_set_${normalize(type.replaceAll(/[:,]/g, '_'))}`]
}

/** "TCP  0A000001:0050 rr ...", "FWM  00000007 wrr". Source: ip_vs_info_seq_show() in ip_vs_ctl.c. */
const IPVS_SERVICE = /^(?:TCP|UDP|SCTP|FWM) +\S+ +(\w+)/gm

function ofIpvs({ netns, path, text }: RawNetFile): Firewall[] {
  if (path !== '/proc/net/ip_vs') return []
  const schedulers = [...text.matchAll(IPVS_SERVICE)].map(([, scheduler]) => scheduler!)
  if (schedulers.length === 0) return []
  return [
    {
      netns,
      subject: 'ipvs',
      what: `load balancing of IPVS with its ${counted(schedulers.length, 'service')}`,
      modules: ['ip_vs', ...new Set(schedulers.map((name) => `ip_vs_${name}`))],
    },
  ]
}

/**
 * Any of these can be in use: the survey only counts states and policies. To list the states would also
 * return their keys.
 */
const IPSEC_MODULES = ['esp4', 'esp6', 'ah4', 'ah6', 'ipcomp', 'ipcomp6']

/** xfrm_user holds no state, but key daemons need it to communicate with the kernel. */
function ofIpsec({ netns, states, policies }: RawIpsec): Firewall[] {
  if (states === 0 && policies === 0) return []
  const counts = `${counted(states, 'state')} and ${counted(policies, 'policy', 'policies')}`
  const what = `encryption of IPsec with its ${counts}, or the connection to its key daemon,`
  return [{ netns, subject: 'xfrm', what, modules: [...IPSEC_MODULES, 'xfrm_user'] }]
}

function counted(count: number, what: string, many = `${what}s`): string {
  return `${count} ${count === 1 ? what : many}`
}

/** The sets, services and states of a firewall that take references of their own. */
export async function readPacketUses({
  raw,
  aliases,
}: Pick<Sources, 'raw' | 'aliases'>): Promise<PacketUse[]> {
  const [sets, states] = await Promise.all([
    Promise.all(raw.ipSets.map((set) => useOfSet(set, aliases))),
    Promise.all(raw.ipsec.flatMap((one) => usesOfIpsec(one, aliases))),
  ])
  return [...sets, ...raw.netFiles.flatMap(usesOfIpvs), ...states]
}

/** A set takes a reference to the module of its type. Source: ip_set_create() in ip_set_core.c. */
async function useOfSet(
  { netns, name, type, references }: RawIpSet,
  aliases: Aliases,
): Promise<PacketUse> {
  const first =
    references === 0
      ? []
      : [`delete the ${counted(references, 'rule or list', 'rules and lists')} that use it`]
  return {
    netns,
    name: `ipset ${name}`,
    value: type,
    count: 1,
    // ipset would take such a name as an option.
    remove: name.startsWith('-') ? [] : ['ipset', 'destroy', name],
    first,
    modules: await setProvider(type, aliases),
  }
}

/** The protocol, the address, the port and the scheduler; or a firewall mark and the scheduler. */
const IPVS_ROW =
  /^(?:(TCP|UDP|SCTP) +(?:([0-9A-F]{8})|(\[[0-9a-f:]+\])):([0-9A-F]{4})|FWM +([0-9A-F]+)) +(\w+)/gm

/**
 * A service takes a reference to ip_vs and one to its scheduler. Source: ip_vs_add_service() in
 * net/netfilter/ipvs/ip_vs_ctl.c.
 */
function usesOfIpvs({ netns, path, text }: RawNetFile): PacketUse[] {
  if (path !== '/proc/net/ip_vs') return []
  return [...text.matchAll(IPVS_ROW)].map(
    ([, protocol, ipv4, ipv6, port, mark, scheduler]): PacketUse => {
      const address = ipv4 === undefined ? ipv6 : dotted(ipv4)
      const service =
        mark === undefined ? `${address}:${parseInt(port!, 16)}` : String(parseInt(mark, 16))
      const options = { TCP: '-t', UDP: '-u', SCTP: '--sctp-service' }
      const option = protocol === undefined ? '-f' : options[protocol as keyof typeof options]
      return {
        netns,
        name: `ipvs ${protocol ?? 'FWM'} ${service}`,
        value: scheduler!,
        count: 1,
        remove: ['ipvsadm', '-D', option, service],
        first: [],
        modules: ['ip_vs', `ip_vs_${scheduler}`],
      }
    },
  )
}

function dotted(hexadecimal: string): string {
  return hexadecimal
    .match(/../g)!
    .map((byte) => parseInt(byte, 16))
    .join('.')
}

/** The names that iproute2 has for the protocols of IPsec, by IPPROTO_... */
const IPSEC_PROTOCOLS: ReadonlyMap<number, string> = new Map([
  [50, 'esp'],
  [51, 'ah'],
  [108, 'comp'],
  [43, 'route2'],
  [60, 'hao'],
])
const AF_INET = 2

/** A state takes a reference to the module of its protocol. Source: xfrm_get_type() in xfrm_state.c. */
function usesOfIpsec({ netns, protocols }: RawIpsec, aliases: Aliases): Promise<PacketUse>[] {
  return protocols.map(async ({ family, protocol, count }): Promise<PacketUse> => {
    const name = IPSEC_PROTOCOLS.get(protocol)
    const version = family === AF_INET ? '-4' : '-6'
    return {
      netns,
      name: `xfrm ${name ?? `protocol ${protocol}`}`,
      value: `${counted(count, 'state')} of ${family === AF_INET ? 'IPv4' : 'IPv6'}`,
      count,
      remove:
        name === undefined ? [] : ['ip', version, 'xfrm', 'state', 'deleteall', 'proto', name],
      first: [],
      modules: await aliases.ofFirst([`xfrm-type-${family}-${protocol}`]),
    }
  })
}
