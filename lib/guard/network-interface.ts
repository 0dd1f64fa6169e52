import type { Guard } from './guard'
import { interfaceName } from './interface-name'

/** It takes no reference: `rmmod bridge` with a bridge there succeeds, and takes the bridge along. */
export const networkInterface: Guard = ({ interfaces }) =>
  interfaces.map((one) => ({
    kind: 'interface',
    severity: 'disruptive',
    subject: interfaceName(one),
    message: `The network interface ${interfaceName(one)}, which is ${one.up ? 'up' : 'down'}, would go away.`,
    modules: one.modules,
  }))
