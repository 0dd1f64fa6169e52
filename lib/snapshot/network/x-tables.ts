/** The tables of iptables, ip6tables and arptables that exist in the kernel. */
import type { XTable } from '../../kernel/snapshot'
import type { Sources } from '../system/sources'

/** The files that list the tables: the tool, and what the names of the tables' modules begin with. */
const FILES: ReadonlyMap<string, { tool: string; prefix: string }> = new Map([
  ['/proc/net/ip_tables_names', { tool: 'iptables', prefix: 'iptable' }],
  ['/proc/net/ip6_tables_names', { tool: 'ip6tables', prefix: 'ip6table' }],
  ['/proc/net/arp_tables_names', { tool: 'arptables', prefix: 'arptable' }],
])

export function readXTables({ raw }: Pick<Sources, 'raw'>): XTable[] {
  return raw.netFiles.flatMap(({ netns, path, text }) => {
    const file = FILES.get(path)
    if (file === undefined) return []
    return text
      .split('\n')
      .filter((name) => name !== '')
      .map((name) => ({ netns, name, tool: file.tool, modules: [`${file.prefix}_${name}`] }))
  })
}
