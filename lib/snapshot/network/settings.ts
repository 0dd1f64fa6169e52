/** Network sysctls whose value is the name of an algorithm that a module can provide. */
import type { NetworkSetting } from '../../kernel/network-facts'
import type { Sources } from '../system/sources'

/**
 * `aliases`: the prefixes that, followed by the value, make an alias of the module. The last one,
 * followed by the value, is also the name of the module.
 */
const SETTINGS: ReadonlyMap<string, { name: NetworkSetting['name']; aliases: string[] }> = new Map([
  [
    '/proc/sys/net/ipv4/tcp_congestion_control',
    { name: 'net.ipv4.tcp_congestion_control', aliases: ['tcp_'] },
  ],
  [
    '/proc/sys/net/core/default_qdisc',
    { name: 'net.core.default_qdisc', aliases: ['net-sch-', 'sch_'] },
  ],
])

export async function readNetworkSettings({
  raw,
  aliases,
}: Pick<Sources, 'raw' | 'aliases'>): Promise<NetworkSetting[]> {
  const settings = await Promise.all(
    raw.netFiles.map(async ({ netns, path, text }): Promise<NetworkSetting[]> => {
      const setting = SETTINGS.get(path)
      const value = text.trimEnd()
      if (setting === undefined || value === '') return []
      const found = await aliases.ofFirst(setting.aliases.map((prefix) => `${prefix}${value}`))
      const modules = found.length > 0 ? found : [`${setting.aliases.at(-1)}${value}`]
      return [{ netns, name: setting.name, value, modules }]
    }),
  )
  return settings.flat()
}
