import type { NamedUse } from '../kernel/snapshot'
import type { Aliases } from './system/aliases'
import { commandIn, inNamespace, whereText } from './system/net-namespace'
import type { RawSurvey } from './system/raw'

type Item = RawSurvey['trafficControl'][number]

/** TC_H_INGRESS, which is TC_H_CLSACT too, in include/uapi/linux/pkt_sched.h. */
const INGRESS = 0xfffffff1
/** TC_H_MIN_INGRESS and TC_H_MIN_EGRESS of it: where the filters of clsact hang. */
const CLSACT_PLACES: ReadonlyMap<number, string> = new Map([
  [0xfffffff2, 'ingress'],
  [0xfffffff3, 'egress'],
])

/**
 * The queueing disciplines and filters of interfaces. Each takes one reference. Source: qdisc_create()
 * in net/sched/sch_api.c, tcf_proto_lookup_ops() in net/sched/cls_api.c.
 */
export async function readTrafficControl(
  { trafficControl, links }: RawSurvey,
  aliases: Aliases,
): Promise<NamedUse[]> {
  const nameOf = ({ netns, index }: Item): string =>
    links.find((link) => link.netns === netns && link.index === index)?.name ?? 'lo'
  const uses = await Promise.all(
    trafficControl.map(async (item): Promise<NamedUse> => {
      const device = nameOf(item)
      return {
        kind: 'traffic-control',
        name: inNamespace(item.netns, device),
        value: item.filter ? `filter ${item.kind}` : item.kind,
        modules: await modulesOf(item, aliases),
        references: 1,
        release: releaseOf(item, device),
      }
    }),
  )
  return together(uses)
}

/** An alias since Linux 6.9; the name of the module goes by the kind, or is an alias itself. */
async function modulesOf({ filter, kind }: Item, aliases: Aliases): Promise<string[]> {
  const type = filter ? 'cls' : 'sch'
  const found = await aliases.ofFirst([`net-${type}-${kind}`, `${type}_${kind}`])
  return found.length > 0 ? found : [`${type}_${kind.replaceAll('-', '_')}`]
}

function releaseOf(item: Item, device: string): NamedUse['release'] {
  const { netns, kind } = item
  const where = `${device}${whereText(netns)}`
  if (item.filter) {
    return {
      text: `delete the ${kind} filters of ${where}`,
      command: commandIn(netns, [
        'tc',
        'filter',
        'del',
        'dev',
        device,
        ...filterPlace(item.parent),
      ]),
    }
  }
  if (item.handle === 0) {
    return {
      text: `give ${where} another queueing discipline than ${kind}, the default`,
      command: commandIn(netns, ['tc', 'qdisc', 'replace', 'dev', device, 'root', 'pfifo_fast']),
    }
  }
  const place = item.parent === INGRESS ? kind : 'root'
  return {
    text: `delete the queueing discipline ${kind} of ${where}`,
    command: commandIn(netns, ['tc', 'qdisc', 'del', 'dev', device, place]),
  }
}

function filterPlace(parent: number): string[] {
  const place = CLSACT_PLACES.get(parent)
  return place === undefined ? ['parent', `${(parent >>> 16).toString(16)}:`] : [place]
}

/** Several of one kind on one interface are one use, with that many references. */
function together(uses: readonly NamedUse[]): NamedUse[] {
  const groups = new Map<string, NamedUse>()
  for (const use of uses) {
    const key = JSON.stringify([use.name, use.value, use.release])
    const group = groups.get(key)
    if (group === undefined) groups.set(key, { ...use })
    else group.references! += 1
  }
  return [...groups.values()]
}
