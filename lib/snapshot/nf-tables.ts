/** The tables of nftables: what is in them takes references to the modules that provide it. */
import type { NamedUse } from '../kernel/snapshot'
import type { Aliases } from './system/aliases'
import { commandIn, inNamespace, whereText } from './system/net-namespace'
import type { RawSurvey } from './system/raw'

type Table = RawSurvey['nfTables'][number]
type Part = Table['parts'][number]

/** NFPROTO_... in include/uapi/linux/netfilter.h, in the words of nft. */
const FAMILIES: ReadonlyMap<number, string> = new Map([
  [1, 'inet'],
  [2, 'ip'],
  [3, 'arp'],
  [5, 'netdev'],
  [7, 'bridge'],
  [10, 'ip6'],
])

/** The letter or two before `t_`. Source: xt_prefix in net/netfilter/x_tables.c. */
const EXTENSION_PREFIXES: ReadonlyMap<number, string> = new Map([
  [2, 'ip'],
  [3, 'arp'],
  [7, 'eb'],
  [10, 'ip6'],
])

const OWN_MODULE = 'nf_tables'

/** What nft takes for a name. It puts its arguments together and reads them as its own language. */
const PLAIN_NAME = /^[A-Za-z][A-Za-z0-9_./\\]*$/

/** One use for each table and module. */
export async function readNfTables(
  tables: readonly Table[],
  aliases: Aliases,
): Promise<NamedUse[]> {
  const uses = await Promise.all(tables.map((table) => usesOf(table, aliases)))
  return uses.flat()
}

async function usesOf(table: Table, aliases: Aliases): Promise<NamedUse[]> {
  const { netns, family, name, chains, rules, parts } = table
  const providers = await Promise.all(parts.map((part) => modulesOf(part, family, aliases)))
  const references = new Map([[OWN_MODULE, 0]])
  parts.forEach(({ count }, i) => {
    for (const module of providers[i]!)
      references.set(module, (references.get(module) ?? 0) + count)
  })
  const words = FAMILIES.get(family) ?? String(family)
  const release = {
    text: `delete table ${words} ${name} of nftables${whereText(netns)}`,
    command: PLAIN_NAME.test(name)
      ? commandIn(netns, ['nft', 'delete', 'table', words, name])
      : null,
  }
  return [...references].map(([module, count]) => ({
    kind: 'netfilter',
    name: inNamespace(netns, `${words} ${name}`),
    value: `${counted(chains, 'chain')}, ${counted(rules, 'rule')}`,
    modules: [module],
    // Without an index, what other modules provide looks as if nf_tables did.
    references: aliases.unreadable.length > 0 ? null : count,
    release,
  }))
}

/**
 * Each expression, object, flow table and chain with a hook takes one reference of the module of its
 * type. Source: nft_expr_type_get(), nft_obj_type_get(), nft_flowtable_type_get() and
 * nft_chain_parse_hook() in net/netfilter/nf_tables_api.c; the types of chains that are in nf_tables
 * itself have no owner.
 */
async function modulesOf(
  { kind, name }: Part,
  family: number,
  aliases: Aliases,
): Promise<string[]> {
  const withOwn = async (names: readonly string[]): Promise<string[]> => {
    const found = await aliases.ofFirst(names)
    return found.length > 0 ? found : [OWN_MODULE]
  }
  switch (kind) {
    case 'chain':
      return aliases.ofFirst([`nft-chain-${family}-${name}`])
    case 'expression':
      return withOwn([`nft-expr-${family}-${name}`, `nft-expr-${name}`])
    case 'object':
      return withOwn([`nft-obj-${family}-${name}`, `nft-obj-${name}`])
    case 'flowtable':
      return aliases.ofFirst([`nf-flowtable-${family}`])
    // What iptables-nft writes. Source: xt_request_find_match().
    case 'extension':
      return aliases.ofFirst([`${EXTENSION_PREFIXES.get(family) ?? 'x'}t_${name}`, `xt_${name}`])
    default:
      return []
  }
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}
