/** The queueing disciplines of network interfaces, and the filters on them. */
import { inNamespace } from '../../kernel/net-namespace'
import type { TrafficActions, TrafficControl } from '../../kernel/network-facts'
import type { Aliases } from '../system/aliases'
import type { Sources } from '../system/sources'

export function readTrafficControls({
  raw,
  aliases,
}: Pick<Sources, 'raw' | 'aliases'>): Promise<TrafficControl[]> {
  const names = new Map(
    raw.links.map(({ netns, index, name }) => [inNamespace(netns, index), name]),
  )
  return Promise.all(
    raw.trafficControl.map(async (item): Promise<TrafficControl> => {
      const { netns, index, filter, kind, handle, parent } = item
      const { block, chain, priority, protocol } = item
      return {
        netns,
        // Every interface but the loopback interface is in the survey.
        interface: block === 0 ? (names.get(inNamespace(netns, index)) ?? 'lo') : null,
        isFilter: filter,
        block,
        chain,
        priority,
        protocol,
        kind,
        handle,
        parent,
        modules: await modulesOf(filter ? 'cls' : 'sch', kind, aliases),
      }
    }),
  )
}

export async function readTrafficActions({
  raw,
  aliases,
}: Pick<Sources, 'raw' | 'aliases'>): Promise<TrafficActions[]> {
  const filtered = new Set(raw.trafficControl.flatMap((one) => (one.filter ? [one.netns] : [])))
  const actions = raw.actions.map(({ netns, kinds }) =>
    Promise.all(
      kinds.map(async ({ name: kind, count }): Promise<TrafficActions> => {
        const modules = await modulesOf('act', kind, aliases)
        return { netns, kind, count, areUnused: !filtered.has(netns), modules }
      }),
    ),
  )
  return (await Promise.all(actions)).flat()
}

/**
 * Since Linux 6.9 the modules have an alias such as `net-sch-KIND`. In older kernels the name of the
 * module, or an alias of it, is `sch_KIND`, `cls_KIND` or `act_KIND`.
 */
async function modulesOf(
  type: 'sch' | 'cls' | 'act',
  kind: string,
  aliases: Aliases,
): Promise<string[]> {
  const found = await aliases.ofFirst([`net-${type}-${kind}`, `${type}_${kind}`])
  return found.length > 0 ? found : [`${type}_${kind.replaceAll('-', '_')}`]
}
