/** Queueing disciplines of network interfaces, and filters on them. */
import type { User } from '../contract/types'
import { inNamespace } from '../kernel/net-namespace'
import type { TrafficControl } from '../kernel/snapshot'
import { commandIn, using, whereText, type FindUsers } from './kind'

/**
 * Each discipline and each filter takes one reference. If one command removes several of them, these
 * are listed as one user, with the sum of their references. Source: qdisc_create() in
 * net/sched/sch_api.c, tcf_proto_lookup_ops() in net/sched/cls_api.c.
 */
export const trafficControlUsers: FindUsers = (row, { trafficControls }) => {
  const users = new Map<string, User>()
  for (const item of using(trafficControls, row)) {
    const name = inNamespace(item.netns, item.interface)
    const value = item.isFilter ? `filter ${item.kind}` : item.kind
    const release = releaseOf(item)
    const key = JSON.stringify([name, value, release])
    const known = users.get(key)
    if (known !== undefined) known.references! += 1
    else {
      const kind = 'traffic-control'
      users.set(key, { kind, module: row.name, name, value, references: 1, release })
    }
  }
  return [...users.values()]
}

/** TC_H_INGRESS in include/uapi/linux/pkt_sched.h, which is also TC_H_CLSACT. */
const INGRESS = 0xfffffff1
/** TC_H_MIN_INGRESS and TC_H_MIN_EGRESS of TC_H_CLSACT: the two parents that clsact has for filters. */
const CLSACT_PLACES: ReadonlyMap<number, string> = new Map([
  [0xfffffff2, 'ingress'],
  [0xfffffff3, 'egress'],
])

function releaseOf(item: TrafficControl): User['release'] {
  const { netns, kind, interface: device } = item
  const where = `${device}${whereText(netns)}`
  const tc = (...argv: string[]): string[] => commandIn(netns, ['tc', ...argv])
  if (item.isFilter) {
    return {
      kind: null,
      text: `delete the ${kind} filters of ${where}`,
      command: tc('filter', 'del', 'dev', device, ...filterPlace(item.parent)),
    }
  }
  if (item.handle === 0) {
    return {
      kind: null,
      text: `replace ${kind}, the default queueing discipline of ${where}, with another one`,
      command: tc('qdisc', 'replace', 'dev', device, 'root', 'pfifo_fast'),
    }
  }
  const place = item.parent === INGRESS ? kind : 'root'
  return {
    kind: null,
    text: `delete the queueing discipline ${kind} of ${where}`,
    command: tc('qdisc', 'del', 'dev', device, place),
  }
}

function filterPlace(parent: number): string[] {
  const place = CLSACT_PLACES.get(parent)
  return place === undefined ? ['parent', `${(parent >>> 16).toString(16)}:`] : [place]
}
