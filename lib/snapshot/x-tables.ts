import type { NamedUse } from '../kernel/snapshot'
import { commandIn, inNamespace, whereText } from './system/net-namespace'
import type { RawSurvey } from './system/raw'

/** What lists the tables, the tool, and how the modules of the tables begin. */
const LISTS: ReadonlyMap<string, { tool: string; prefix: string }> = new Map([
  ['/proc/net/ip_tables_names', { tool: 'iptables', prefix: 'iptable' }],
  ['/proc/net/ip6_tables_names', { tool: 'ip6tables', prefix: 'ip6table' }],
  ['/proc/net/arp_tables_names', { tool: 'arptables', prefix: 'arptable' }],
])

/**
 * The tables of iptables that are there. A table takes no reference of its module: its rules go with
 * that. Source: xt_register_table() in net/netfilter/x_tables.c.
 */
export function readXTables(files: RawSurvey['netFiles']): NamedUse[] {
  return files.flatMap(({ netns, path, text }) => {
    const list = LISTS.get(path)
    if (list === undefined) return []
    const { tool, prefix } = list
    return text
      .split('\n')
      .filter((table) => table !== '')
      .map((table) => ({
        kind: 'netfilter',
        name: inNamespace(netns, table),
        value: tool,
        modules: [`${prefix}_${table}`],
        references: 0,
        release: {
          text: `delete the rules of table ${table} of ${tool}${whereText(netns)}`,
          command: commandIn(netns, [`${tool}-legacy`, '-t', table, '-F']),
        },
      }))
  })
}
