import type { NetworkInterface } from '../kernel'
import type { Guard } from './guard'
import { interfaceName } from './interface-name'

/** Without it whoever is connected from afar is gone too. */
export const defaultRoute: Guard = ({ interfaces }) =>
  interfaces
    .filter(({ hasDefaultRoute }) => hasDefaultRoute)
    .map((top) => {
      const [, ...below] = withLower(top, interfaces)
      const over =
        below.length === 0 ? '' : `, which lies on ${below.map(interfaceName).join(', ')},`
      return {
        kind: 'default-route',
        severity: 'critical',
        subject: interfaceName(top),
        message: `The default route through ${interfaceName(top)}${over} would be lost, and with it the way to other networks.`,
        modules: [top, ...below].flatMap(({ modules }) => modules),
      }
    })

/** The interface, and all that it lies on. */
function withLower(
  top: NetworkInterface,
  interfaces: readonly NetworkInterface[],
): NetworkInterface[] {
  const neighbours = new Map(
    interfaces.filter(({ netns }) => netns === top.netns).map((one) => [one.name, one]),
  )
  const found = new Set([top])
  for (const { lower } of found) {
    for (const name of lower) {
      const one = neighbours.get(name)
      if (one !== undefined) found.add(one)
    }
  }
  return [...found]
}
