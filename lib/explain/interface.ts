/** Network interfaces that the module provides or drives. */
import type { User } from '../contract/types'
import { inNamespace } from '../kernel/net-namespace'
import type { NetworkInterface } from '../kernel/network-facts'
import { isFallback } from '../snapshot/network/interfaces'
import { commandIn, firstText, using, whereText, type FindUsers } from './kind'
import { addTo } from '../kernel/lists'

/** How the interface of an L2TP session is shown. */
const L2TP = 'l2tpeth'

/** Link kinds of hardware, which `ip link del` does not delete. */
const HARDWARE_KINDS = new Set(['can', 'dsa'])

/**
 * The references of an interface, by kind: one for a session of L2TP; for a persistent tun one that is not
 * known to be there. Source: l2tp_eth_create() in net/l2tp/l2tp_eth.c, TUNSETPERSIST in drivers/net/tun.c.
 */
const REFERENCES: ReadonlyMap<string, number | null> = new Map([
  ['tun', null],
  [L2TP, 1],
])

/**
 * Interfaces of other kinds take no reference: they are removed with the module. Source:
 * register_netdevice() in net/core/dev.c.
 */
export const interfaceUsers: FindUsers = (row, { interfaces }) => {
  const found = using(interfaces, row)
  const above = found.length === 0 ? new Map<string, string[]>() : deletedWith(interfaces)
  return found.map((one) => {
    const { name, up, type, master, netns } = one
    const known = REFERENCES.get(type ?? '')
    const references = known === undefined ? 0 : known
    const release = releaseOf(one, above.get(inNamespace(netns, name)) ?? [])
    return {
      kind: 'interface',
      module: row.name,
      name,
      up,
      type,
      master,
      netns,
      references,
      release,
    }
  })
}

/** Kinds that are deleted with the interface below them. A bridge, for example, only loses a member. */
const DELETED_WITH_LOWER = new Set([
  ...['vlan', 'macvlan', 'macvtap', 'ipvlan', 'ipvtap', 'macsec', 'vxlan'],
])

/** By label: the labels of the interfaces that are deleted with an interface. */
function deletedWith(interfaces: readonly NetworkInterface[]): Map<string, string[]> {
  const above = new Map<string, string[]>()
  for (const { name, netns, type, lower } of interfaces) {
    if (!DELETED_WITH_LOWER.has(type ?? '')) continue
    for (const label of lower) addTo(above, label, inNamespace(netns, name))
  }
  return above
}

function releaseOf(one: NetworkInterface, above: readonly string[]): User['release'] {
  const { name, netns, type, up } = one
  const where = `${name}${whereText(netns)}`
  if (isFallback(one) && !up) {
    const text = `network interface ${where} (${type}) is down; it cannot be deleted, and is removed with its module`
    return { kind: null, text, command: null }
  }
  if (type === L2TP) {
    const text = `delete the L2TP session of network interface ${where}: ip l2tp show session, then ip l2tp del session tunnel_id N session_id N`
    return { kind: null, text, command: null }
  }
  if (!isFallback(one) && type !== null && !HARDWARE_KINDS.has(type)) {
    const first = firstText(above.map((label) => `delete network interface ${label}`))
    return {
      kind: 'interface',
      text: `${first}delete network interface ${where} (${type})`,
      command: first === '' ? commandIn(netns, ['ip', 'link', 'del', name]) : null,
    }
  }
  return {
    kind: 'interface',
    text: `set network interface ${where} down; it is removed with its driver`,
    command: commandIn(netns, ['ip', 'link', 'set', name, 'down']),
  }
}
