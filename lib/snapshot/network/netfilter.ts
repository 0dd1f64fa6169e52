/**
 * The tables of iptables and of nftables, and the modules that provide the tables and their contents.
 */
import { inNamespace } from '../../kernel/net-namespace'
import type { NfTable, XTable } from '../../kernel/network-facts'
import type { Aliases } from '../system/aliases'
import type { RawNfPart, RawNfTable, RawXTable } from '../system/raw-survey'
import type { Sources } from '../system/sources'

interface XFamily {
  tool: string
  /** The module of a table is PREFIX_TABLE. */
  prefix: string
  core: string
  /** NFPROTO_... in include/uapi/linux/netfilter.h. */
  number: number
}

/** The families of tables that are older than nftables. */
export const X_FAMILIES: Readonly<Record<string, XFamily>> = {
  ip: { tool: 'iptables', prefix: 'iptable', core: 'ip_tables', number: 2 },
  ip6: { tool: 'ip6tables', prefix: 'ip6table', core: 'ip6_tables', number: 10 },
  arp: { tool: 'arptables', prefix: 'arptable', core: 'arp_tables', number: 3 },
  bridge: { tool: 'ebtables', prefix: 'ebtable', core: 'ebtables', number: 7 },
}

/** By file that lists tables: their family. */
const X_TABLES_FILES: ReadonlyMap<string, string> = new Map([
  ['/proc/net/ip_tables_names', 'ip'],
  ['/proc/net/ip6_tables_names', 'ip6'],
  ['/proc/net/arp_tables_names', 'arp'],
])

/** A table that only a file lists has unknown contents. */
export async function readXTables({
  raw,
  aliases,
}: Pick<Sources, 'raw' | 'aliases'>): Promise<XTable[]> {
  const known = await Promise.all(raw.xTables.map((table) => toXTable(table, aliases)))
  const keys = new Set(known.flat().map(({ netns, module }) => inNamespace(netns, module)))
  const listed = raw.netFiles.flatMap(({ netns, path, text }): XTable[] => {
    const family = X_FAMILIES[X_TABLES_FILES.get(path) ?? '']
    if (family === undefined) return []
    const names = text.split('\n').filter((name) => name !== '')
    const nothing = { hasRules: null, hasPolicy: false, chains: 0, parts: [] }
    return names
      .map((name) => ({ name, module: `${family.prefix}_${name}` }))
      .filter(({ module }) => !keys.has(inNamespace(netns, module)))
      .map(({ name, module }) => ({ netns, name, tool: family.tool, module, ...nothing }))
  })
  return [...known.flat(), ...listed]
}

async function toXTable(table: RawXTable, aliases: Aliases): Promise<XTable[]> {
  const family = X_FAMILIES[table.family]
  if (family === undefined) return []
  const { netns, name, rules, hasPolicy, chains } = table
  const counts = new Map<string, number>()
  const providers = await Promise.all(
    table.extensions.map((one) => extensionModules(one.name, family.number, aliases)),
  )
  table.extensions.forEach(({ count }, i) => {
    for (const module of providers[i]!) counts.set(module, (counts.get(module) ?? 0) + count)
  })
  const parts = [...counts].map(([module, count]) => ({ module, count }))
  const module = `${family.prefix}_${name}`
  const { tool } = family
  return [{ netns, name, tool, module, hasRules: rules > 0, hasPolicy, chains, parts }]
}

/**
 * The modules of a match or target. LOG and NFLOG also use a logger. Source: xt_request_find_match() in
 * net/netfilter/x_tables.c, nf_logger_find_get() in net/netfilter/nf_log.c.
 */
async function extensionModules(name: string, family: number, aliases: Aliases): Promise<string[]> {
  const logger = LOGGERS.get(name)
  const [own, ofLogger] = await Promise.all([
    aliases.ofFirst([`${EXTENSION_PREFIXES.get(family) ?? 'x'}t_${name}`, `xt_${name}`]),
    logger === undefined ? [] : aliases.ofFirst([`nf-logger-${family}-${logger}`]),
  ])
  return [...own, ...ofLogger]
}

/** NF_LOG_TYPE_... in include/net/netfilter/nf_log.h. */
const LOGGERS: ReadonlyMap<string, number> = new Map([
  ['LOG', 0],
  ['NFLOG', 1],
])

/** NFPROTO_... in include/uapi/linux/netfilter.h, as nft names them. */
const FAMILIES: ReadonlyMap<number, string> = new Map([
  [1, 'inet'],
  [2, 'ip'],
  [3, 'arp'],
  [5, 'netdev'],
  [7, 'bridge'],
  [10, 'ip6'],
])

/** The prefix before `t_` in the name of an extension. Source: xt_prefix in net/netfilter/x_tables.c. */
const EXTENSION_PREFIXES: ReadonlyMap<number, string> = new Map([
  [2, 'ip'],
  [3, 'arp'],
  [7, 'eb'],
  [10, 'ip6'],
])

const OWN_MODULE = 'nf_tables'

export function readNfTables({
  raw,
  aliases,
}: Pick<Sources, 'raw' | 'aliases'>): Promise<NfTable[]> {
  return Promise.all(raw.nfTables.map((table) => toNfTable(table, aliases)))
}

async function toNfTable(table: RawNfTable, aliases: Aliases): Promise<NfTable> {
  const { netns, family, name, chains, rules } = table
  const providers = await Promise.all(table.parts.map((part) => modulesOf(part, family, aliases)))
  const counts = new Map([[OWN_MODULE, 0]])
  table.parts.forEach(({ count }, i) => {
    for (const module of providers[i]!) counts.set(module, (counts.get(module) ?? 0) + count)
  })
  const parts = [...counts].map(([module, count]) => ({
    module,
    // Without the index, it is not known which parts are provided by nf_tables and which by others.
    count: aliases.isReadable ? count : null,
  }))
  return { netns, family: FAMILIES.get(family) ?? String(family), name, chains, rules, parts }
}

/**
 * nf_tables itself provides some types of each kind; each other type is in a module that has an alias
 * for it. Source: nft_expr_type_get(), nft_obj_type_get(), nft_flowtable_type_get() and
 * nft_chain_parse_hook() in net/netfilter/nf_tables_api.c. A chain type of nf_tables itself has no
 * owner and takes no reference.
 */
async function modulesOf(
  { kind, name }: RawNfPart,
  family: number,
  aliases: Aliases,
): Promise<string[]> {
  const orOwn = async (names: readonly string[]): Promise<string[]> => {
    const found = await aliases.ofFirst(names)
    return found.length > 0 ? found : [OWN_MODULE]
  }
  switch (kind) {
    case 'chain':
      return aliases.ofFirst([`nft-chain-${family}-${name}`])
    case 'expression':
      return orOwn([`nft-expr-${family}-${name}`, `nft-expr-${name}`])
    case 'object':
      return orOwn([`nft-obj-${family}-${name}`, `nft-obj-${name}`])
    case 'flowtable':
      return aliases.ofFirst([`nf-flowtable-${family}`])
    // An extension of iptables, which iptables-nft uses. Source: xt_request_find_match().
    case 'extension':
      return extensionModules(name, family, aliases)
    default:
      return []
  }
}
