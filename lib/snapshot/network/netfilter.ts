/**
 * The tables of iptables and of nftables, and the modules that provide the tables and their contents.
 */
import type { NfTable, XTable } from '../../kernel/snapshot'
import type { Aliases } from '../system/aliases'
import type { RawNfPart, RawNfTable } from '../system/raw-survey'
import type { Sources } from '../system/sources'

/** By file that lists tables: the tool, and the prefix of the names of the modules that provide them. */
const X_TABLES_FILES: ReadonlyMap<string, { tool: string; prefix: string }> = new Map([
  ['/proc/net/ip_tables_names', { tool: 'iptables', prefix: 'iptable' }],
  ['/proc/net/ip6_tables_names', { tool: 'ip6tables', prefix: 'ip6table' }],
  ['/proc/net/arp_tables_names', { tool: 'arptables', prefix: 'arptable' }],
])

export function readXTables({ raw }: Pick<Sources, 'raw'>): XTable[] {
  return raw.netFiles.flatMap(({ netns, path, text }) => {
    const file = X_TABLES_FILES.get(path)
    if (file === undefined) return []
    return text
      .split('\n')
      .filter((name) => name !== '')
      .map((name) => ({ netns, name, tool: file.tool, modules: [`${file.prefix}_${name}`] }))
  })
}

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
      return aliases.ofFirst([`${EXTENSION_PREFIXES.get(family) ?? 'x'}t_${name}`, `xt_${name}`])
    default:
      return []
  }
}
