import type { NetworkInterface } from '../kernel/snapshot'
import { commandIn, whereText } from '../snapshot/system/net-namespace'
import type { User } from '../contract/types'
import type { Explainer } from './explainer'

/** These are hardware all the same: `ip link del` does not take them away. */
const HARDWARE_KINDS = new Set(['can', 'dsa'])

/** One that persists takes a reference. Source: TUNSETPERSIST in drivers/net/tun.c. */
const COUNTED_KINDS = new Set(['tun'])

/**
 * The network interfaces that the module carries. Hardly any takes a reference: they go with the
 * module. Source: register_netdevice() in net/core/dev.c.
 */
export const interfaceUsers: Explainer = ({ name: module }, { interfaces }) =>
  interfaces
    .filter(({ modules }) => modules.includes(module))
    .map((one) => {
      const { name, up, type, master, netns } = one
      const references = COUNTED_KINDS.has(type ?? '') ? null : 0
      const release = releaseOf(one)
      return { kind: 'interface', module, name, up, type, master, netns, references, release }
    })

function releaseOf({ name, netns, type }: NetworkInterface): User['release'] {
  const where = `${name}${whereText(netns)}`
  if (type !== null && !HARDWARE_KINDS.has(type)) {
    return {
      text: `delete network interface ${where} (${type})`,
      command: commandIn(netns, ['ip', 'link', 'del', name]),
    }
  }
  return {
    text: `set network interface ${where} down; it goes with its driver`,
    command: commandIn(netns, ['ip', 'link', 'set', name, 'down']),
  }
}
