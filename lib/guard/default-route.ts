import type { Guard } from './guard'
import { interfaceName } from './interface-name'
import { withLower } from './lower'

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
