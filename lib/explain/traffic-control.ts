/** Queueing disciplines of network interfaces, the filters on them, and actions. */
import type { LoadedModule, User } from '../contract/types'
import { inNamespace } from '../kernel/net-namespace'
import type { TrafficActions, TrafficControl } from '../kernel/network-facts'
import type { Snapshot } from '../kernel/snapshot'
import { commandIn, using, whereText, type FindUsers } from './kind'

export const trafficControlUsers: FindUsers = (row, snapshot) => [
  ...disciplinesAndFilters(row, snapshot),
  ...using(snapshot.trafficActions, row).map((actions) => actionUser(row.name, actions)),
]

/**
 * Each discipline and each filter takes one reference. If one command removes several of them, these
 * are listed as one user, with the sum of their references. Source: qdisc_create() in
 * net/sched/sch_api.c, tcf_proto_lookup_ops() in net/sched/cls_api.c.
 */
function disciplinesAndFilters(row: LoadedModule, { trafficControls }: Snapshot): User[] {
  const users = new Map<string, User>()
  for (const item of using(trafficControls, row)) {
    const name = inNamespace(item.netns, placeOf(item))
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

/** TC_H_ROOT, and TC_H_INGRESS, which is also TC_H_CLSACT, in include/uapi/linux/pkt_sched.h. */
const ROOT = 0xffffffff
const INGRESS = 0xfffffff1
/** TC_H_MIN_INGRESS and TC_H_MIN_EGRESS of TC_H_CLSACT: the two parents that clsact has for filters. */
const CLSACT_PLACES: ReadonlyMap<number, string> = new Map([
  [0xfffffff2, 'ingress'],
  [0xfffffff3, 'egress'],
])

/** A filter of a shared block belongs to no interface. */
function placeOf({ interface: device, block }: TrafficControl): string {
  return device ?? `block ${block}`
}

function releaseOf(item: TrafficControl): User['release'] {
  return item.isFilter ? releaseOfFilter(item) : releaseOfDiscipline(item)
}

/** All elements with the same chain, priority and protocol are one filter. */
function releaseOfFilter(item: TrafficControl): User['release'] {
  const { netns, kind, interface: device, block, chain, priority, protocol, parent } = item
  const where = device === null ? ['block', String(block)] : ['dev', device, ...placeIn(parent)]
  const which = ['protocol', hexadecimal(protocol), 'pref', String(priority)]
  const ofChain = chain === 0 ? [] : ['chain', String(chain)]
  return {
    kind: null,
    text: `delete the ${kind} filter of ${placeOf(item)}${whereText(netns)} with preference ${priority}`,
    command: commandIn(netns, ['tc', 'filter', 'del', ...where, ...which, ...ofChain]),
  }
}

function placeIn(parent: number): string[] {
  const place = CLSACT_PLACES.get(parent)
  return place === undefined ? ['parent', handleText(parent)] : [place]
}

/**
 * A default discipline has no handle, so it can only be replaced at its place; under a default parent
 * (of a card with several queues) only together with its parent, whose children are all like it.
 */
function releaseOfDiscipline(item: TrafficControl): User['release'] {
  const { netns, kind, handle, parent } = item
  const where = `${placeOf(item)}${whereText(netns)}`
  const tc = (verb: string, ...rest: string[]): string[] =>
    commandIn(netns, ['tc', 'qdisc', verb, 'dev', placeOf(item), ...rest])
  if (handle === 0) {
    const isAtRoot = parent === ROOT || parent >>> 16 === 0
    const place = isAtRoot ? ['root'] : ['parent', handleText(parent)]
    return {
      kind: null,
      text: `replace ${kind}, the default queueing discipline of ${where}, with another one`,
      command: tc('replace', ...place, isAtRoot ? 'pfifo_fast' : 'pfifo'),
    }
  }
  const text = `delete the queueing discipline ${kind} ${handleText(handle)} of ${where}, and what lies below it`
  if (parent === INGRESS) return { kind: null, text, command: tc('del', kind) }
  const place = parent === ROOT ? ['root'] : ['parent', handleText(parent)]
  return { kind: null, text, command: tc('del', ...place, 'handle', handleText(handle)) }
}

/** Such as `1:`, `1:10`. */
function handleText(handle: number): string {
  const minor = handle & 0xffff
  return `${(handle >>> 16).toString(16)}:${minor === 0 ? '' : minor.toString(16)}`
}

/**
 * `tc` takes the number of a protocol in the byte order of the network, with this prefix. Source:
 * ll_proto_a2n() in iproute2.
 */
function hexadecimal(protocol: number): string {
  return PROTOCOLS.get(protocol) ?? `0x${protocol.toString(16)}`
}

/** ETH_P_... in include/uapi/linux/if_ether.h, as `tc` names them. */
const PROTOCOLS: ReadonlyMap<number, string> = new Map([
  [0x0003, 'all'],
  [0x0800, 'ip'],
  [0x0806, 'arp'],
  [0x86dd, 'ipv6'],
  [0x8100, '802.1Q'],
])

/**
 * Each action takes one reference as long as it exists, whether a filter uses it or not. Those that a
 * filter created are deleted with the filter. Source: tcf_action_init_1() in net/sched/act_api.c.
 */
function actionUser(module: string, actions: TrafficActions): User {
  const { netns, kind, count, areUnused } = actions
  const own = count === 1 ? `the action ${kind}` : `the ${count} actions ${kind}`
  const text = `${areUnused ? '' : 'first delete the filters that use them; then '}delete ${own}${whereText(netns)}`
  return {
    kind: 'traffic-control',
    module,
    name: inNamespace(netns, `actions`),
    value: `action ${kind}`,
    references: count,
    release: {
      kind: null,
      text,
      command: areUnused ? commandIn(netns, ['tc', 'actions', 'flush', 'action', kind]) : null,
    },
  }
}
