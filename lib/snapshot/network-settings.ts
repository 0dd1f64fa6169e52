import type { NamedUse } from '../kernel/snapshot'
import type { Aliases } from './system/aliases'
import { commandIn, inNamespace, whereText } from './system/net-namespace'
import type { RawSurvey } from './system/raw'

/**
 * Settings that name an algorithm, each of which takes one reference of its module: how the module of
 * one is called, and one that is always there. Source: tcp_set_default_congestion_control() in
 * net/ipv4/tcp_cong.c, qdisc_set_default() in net/sched/sch_api.c.
 */
const SETTINGS: ReadonlyMap<string, { name: string; prefixes: string[]; plain: string }> = new Map([
  [
    '/proc/sys/net/ipv4/tcp_congestion_control',
    { name: 'net.ipv4.tcp_congestion_control', prefixes: ['tcp_'], plain: 'reno' },
  ],
  [
    '/proc/sys/net/core/default_qdisc',
    { name: 'net.core.default_qdisc', prefixes: ['net-sch-', 'sch_'], plain: 'pfifo_fast' },
  ],
])

export async function readNetworkSettings(
  files: RawSurvey['netFiles'],
  aliases: Aliases,
): Promise<NamedUse[]> {
  const uses = await Promise.all(
    files.map(async ({ netns, path, text }): Promise<NamedUse[]> => {
      const setting = SETTINGS.get(path)
      const value = text.trimEnd()
      if (setting === undefined || value === '') return []
      const { name, prefixes, plain } = setting
      const found = await aliases.ofFirst(prefixes.map((prefix) => `${prefix}${value}`))
      return [
        {
          kind: 'setting',
          name: inNamespace(netns, name),
          value,
          modules: found.length > 0 ? found : [`${prefixes.at(-1)}${value}`],
          references: 1,
          release: {
            text: `set ${name}${whereText(netns)} to something else than ${value}, such as ${plain}`,
            command: commandIn(netns, ['sysctl', '-w', `${name}=${plain}`]),
          },
        },
      ]
    }),
  )
  return uses.flat()
}
