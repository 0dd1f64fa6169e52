/** Tables of nftables and of iptables. */
import type { LoadedModule, User } from '../contract/types'
import { inNamespace } from '../kernel/net-namespace'
import type { NfTable, Snapshot } from '../kernel/snapshot'
import { commandIn, using, whereText, type FindUsers } from './kind'

export const netfilterUsers: FindUsers = (row, snapshot) => [
  ...xTableUsers(row, snapshot),
  ...nfTableUsers(row, snapshot),
]

/**
 * A table of iptables takes no reference to its module: the table and its rules are removed with the
 * module. Source: xt_register_table() in net/netfilter/x_tables.c.
 */
function xTableUsers(row: LoadedModule, { xTables }: Snapshot): User[] {
  return using(xTables, row).map(({ netns, name, tool }) => ({
    kind: 'netfilter',
    module: row.name,
    name: inNamespace(netns, name),
    value: tool,
    references: 0,
    release: {
      kind: null,
      text: `delete the rules of table ${name} of ${tool}${whereText(netns)}`,
      command: commandIn(netns, [`${tool}-legacy`, '-t', name, '-F']),
    },
  }))
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
