/** Network interfaces that the module provides or drives. */
import type { User } from '../contract/types'
import type { NetworkInterface } from '../kernel/snapshot'
import { isFallback } from '../snapshot/network/interfaces'
import { commandIn, using, whereText, type FindUsers } from './kind'

/** Link kinds of hardware, which `ip link del` does not delete. */
const HARDWARE_KINDS = new Set(['can', 'dsa'])

/** A persistent interface of these kinds takes a reference. Source: TUNSETPERSIST in drivers/net/tun.c. */
const REFERENCED_KINDS = new Set(['tun'])

/**
 * Interfaces of other kinds take no reference: they are removed with the module. Source:
 * register_netdevice() in net/core/dev.c.
 */
export const interfaceUsers: FindUsers = (row, { interfaces }) =>
  using(interfaces, row).map((one) => {
    const { name, up, type, master, netns } = one
    const references = REFERENCED_KINDS.has(type ?? '') ? null : 0
    const release = releaseOf(one)
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

function releaseOf(one: NetworkInterface): User['release'] {
  const { name, netns, type, up } = one
  const where = `${name}${whereText(netns)}`
  if (isFallback(one) && !up) {
    const text = `network interface ${where} (${type}) is down; it cannot be deleted, and is removed with its module`
    return { kind: null, text, command: null }
  }
  if (!isFallback(one) && type !== null && !HARDWARE_KINDS.has(type)) {
    return {
      kind: 'interface',
      text: `delete network interface ${where} (${type})`,
      command: commandIn(netns, ['ip', 'link', 'del', name]),
    }
  }
  return {
    kind: 'interface',
    text: `set network interface ${where} down; it is removed with its driver`,
    command: commandIn(netns, ['ip', 'link', 'set', name, 'down']),
  }
}
