/** Tables of nftables and of iptables, sets of ipset, services of IPVS, states of IPsec. */
import type { LoadedModule, User } from '../contract/types'
import { inNamespace } from '../kernel/net-namespace'
import type { NfTable, PacketUse, XTable } from '../kernel/network-facts'
import type { Snapshot } from '../kernel/snapshot'
import { commandIn, firstText, using, whereText, type FindUsers } from './kind'

export const netfilterUsers: FindUsers = (row, snapshot) => [
  ...xTableUsers(row, snapshot),
  ...nfTableUsers(row, snapshot),
  ...packetUsers(row, snapshot),
]

/**
 * A table takes a reference to its module as long as it has rules or chains of a user, and each match and
 * target of a rule one to the module that provides it. An empty table is removed with its module. Source:
 * __do_replace() in net/ipv4/netfilter/ip_tables.c, xt_request_find_match() in x_tables.c.
 */
function xTableUsers({ name: module }: LoadedModule, { xTables }: Snapshot): User[] {
  return xTables.flatMap((table) => {
    const part = table.parts.find((one) => one.module === module)
    if (table.module !== module && part === undefined) return []
    const ofTable = table.hasRules === null ? null : Number(table.hasRules)
    return [
      {
        kind: 'netfilter',
        module,
        name: inNamespace(table.netns, table.name),
        value: table.tool,
        references: part?.count ?? ofTable,
        release: flushTable(table),
      },
    ]
  })
}

function flushTable({ netns, name, tool, chains, hasPolicy }: XTable): User['release'] {
  const where = `table ${name} of ${tool}${whereText(netns)}`
  const policy = hasPolicy ? '; its policies stay, which do not accept every packet' : ''
  const legacy = `${tool}-legacy`
  if (chains > 0) {
    const own = counted(chains, 'chain')
    const text = `delete the rules of ${where} and its ${own} (${legacy} -t ${name} -F, then -X)${policy}`
    return { kind: null, text, command: null }
  }
  const text = `delete the rules of ${where}${policy}`
  return { kind: null, text, command: commandIn(netns, [legacy, '-t', name, '-F']) }
}

/**
 * Each part of a table (an expression, object, flow table, extension or chain with a hook) takes one
 * reference to the module that provides its type. The table itself takes none.
 */
function nfTableUsers({ name: module }: LoadedModule, { nfTables }: Snapshot): User[] {
  return nfTables.flatMap((table) =>
    table.parts
      .filter((part) => part.module === module)
      .map(({ count }) => ({
        kind: 'netfilter',
        module,
        name: inNamespace(table.netns, `${table.family} ${table.name}`),
        value: `${counted(table.chains, 'chain')}, ${counted(table.rules, 'rule')}`,
        references: count,
        release: deleteTable(table),
      })),
  )
}

/** Sets, services and states: each takes the references that it is counted with. */
function packetUsers(row: LoadedModule, { packetUses }: Snapshot): User[] {
  return using(packetUses, row).map((use) => ({
    kind: 'netfilter',
    module: row.name,
    name: inNamespace(use.netns, use.name),
    value: use.value,
    references: use.count,
    release: removalOf(use),
  }))
}

function removalOf({ netns, name, value, first, remove }: PacketUse): User['release'] {
  const text = `${firstText(first)}delete ${name} (${value})${whereText(netns)}`
  const canRun = first.length === 0 && remove.length > 0
  return { kind: null, text, command: canRun ? commandIn(netns, remove) : null }
}

/** A name that is safe in a command: nft joins its arguments and parses the result as an nft script. */
const PLAIN_NAME = /^[A-Za-z][A-Za-z0-9_./\\]*$/

function deleteTable({ netns, family, name }: NfTable): User['release'] {
  return {
    kind: null,
    text: `delete table ${family} ${name} of nftables${whereText(netns)}`,
    command: PLAIN_NAME.test(name)
      ? commandIn(netns, ['nft', 'delete', 'table', family, name])
      : null,
  }
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}
