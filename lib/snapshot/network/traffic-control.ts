/** The queueing disciplines of network interfaces, and the filters on them. */
import { inNamespace } from '../../kernel/net-namespace'
import type { TrafficControl } from '../../kernel/snapshot'
import type { Aliases } from '../system/aliases'
import type { RawTrafficControl } from '../system/raw-survey'
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
      return {
        netns,
        // Every interface but the loopback interface is in the survey.
        interface: names.get(inNamespace(netns, index)) ?? 'lo',
        isFilter: filter,
        kind,
        handle,
        parent,
        modules: await modulesOf(item, aliases),
      }
    }),
  )
}

/**
 * Since Linux 6.9 the modules have an alias `net-sch-KIND` or `net-cls-KIND`. In older kernels the name
 * of the module, or an alias of it, is `sch_KIND` or `cls_KIND`.
 */
async function modulesOf({ filter, kind }: RawTrafficControl, aliases: Aliases): Promise<string[]> {
  const type = filter ? 'cls' : 'sch'
  const found = await aliases.ofFirst([`net-${type}-${kind}`, `${type}_${kind}`])
  return found.length > 0 ? found : [`${type}_${kind.replaceAll('-', '_')}`]
}
