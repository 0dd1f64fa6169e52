/**
 * What filters, redirects or encrypts packets: the tables of nftables and iptables, the sets of ipset,
 * the services of IPVS, and IPsec.
 */
import { normalize } from '../../contract/names'
import type { Firewall, NfTable } from '../../kernel/snapshot'
import type { RawIpSet, RawIpsec, RawNetFile, RawXTable } from '../system/raw-survey'
import type { Sources } from '../system/sources'
import { readNfTables } from './netfilter'

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

/** The tool of each family, and the modules that provide its tables. */
const FAMILIES: Readonly<Record<string, { tool: string; prefix: string; core: string }>> = {
  ip: { tool: 'iptables', prefix: 'iptable', core: 'ip_tables' },
  ip6: { tool: 'ip6tables', prefix: 'ip6table', core: 'ip6_tables' },
  arp: { tool: 'arptables', prefix: 'arptable', core: 'arp_tables' },
  bridge: { tool: 'ebtables', prefix: 'ebtable', core: 'ebtables' },
}

/**
 * A table can exist only because its module is loaded. A table without rules and with ACCEPT as its
 * policy lets every packet pass, so it is left out.
 */
function ofXTable({ netns, family, name, rules, hasPolicy }: RawXTable): Firewall[] {
  const known = FAMILIES[family]
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
  const found = await aliases.ofFirst([`ip_set_${type}`])
  const provider = found.length > 0 ? found : [`ip_set_${normalize(type.replaceAll(/[:,]/g, '_'))}`]
  return {
    netns,
    subject: `ipset ${name}`,
    what: `set ${name} of ipset (${type})`,
    modules: [...provider, 'ip_set'],
  }
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
