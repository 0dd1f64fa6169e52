/** Effects on the network: default routes, connections to other machines, firewalls, and interfaces. */
import { inNamespace } from '../kernel/net-namespace'
import type { NetworkInterface } from '../kernel/network-facts'
import { isFallback } from '../snapshot/network/interfaces'
import { critical, disruptive, type FindEffects, type SharedEffect } from './shared-effect'
import { addTo } from '../kernel/lists'

export const defaultRoutes: FindEffects = (snapshot) => {
  const all = byLabel(snapshot.interfaces)
  return snapshot.interfaces
    .filter(({ hasDefaultRoute }) => hasDefaultRoute)
    .map((top) => {
      const [, ...below] = withLower(top, all)
      const carriers =
        below.length === 0 ? '' : `, which depends on ${below.map(labelOf).join(', ')},`
      return critical(
        'default-route',
        labelOf(top),
        `The default route through ${labelOf(top)}${carriers} would be lost, and with it the connection to other networks.`,
        [top, ...below].flatMap(({ modules }) => modules),
      )
    })
}

/** Critical, because the user of this process may be logged in through such a connection. */
export const sessions: FindEffects = (snapshot) => {
  const remotes = new Map<string, string[]>()
  for (const { netns, interface: name, remote } of snapshot.sessions) {
    addTo(remotes, inNamespace(netns, name), remote)
  }
  const all = byLabel(snapshot.interfaces)
  return snapshot.interfaces.flatMap((one): SharedEffect[] => {
    const label = labelOf(one)
    const ofInterface = remotes.get(label)
    if (ofInterface === undefined) return []
    return [
      critical(
        'session',
        label,
        `${describe(ofInterface)} through ${label} would be lost.`,
        withLower(one, all).flatMap(({ modules }) => modules),
      ),
    ]
  })
}

function describe([first, ...more]: readonly string[]): string {
  return more.length === 0
    ? `The connection to ${first}`
    : `${more.length + 1} connections, such as the one to ${first},`
}

/**
 * Tables of nftables and policies of iptables take no reference. The kernel lets their module be
 * removed at reference count 0, and from then on every packet passes.
 */
export const firewalls: FindEffects = (snapshot) =>
  snapshot.firewalls.map(({ netns, subject, what, modules }) =>
    critical('firewall', inNamespace(netns, subject), `The ${what} would be lost.`, modules),
  )

/**
 * An interface takes no reference: `rmmod bridge` succeeds while a bridge exists, and removes it. The
 * fallback interface of a tunnel module is there whether anybody needs it or not; it is in use only if
 * it is up.
 */
export const interfaces: FindEffects = (snapshot) =>
  snapshot.interfaces
    .filter((one) => one.up || !isFallback(one))
    .map((one) =>
      disruptive(
        'interface',
        labelOf(one),
        `The network interface ${labelOf(one)}, which is ${one.up ? 'up' : 'down'}, would be removed.`,
        one.modules,
      ),
    )

function labelOf({ netns, name }: NetworkInterface): string {
  return inNamespace(netns, name)
}

function byLabel(all: readonly NetworkInterface[]): Map<string, NetworkInterface> {
  return new Map(all.map((one) => [labelOf(one), one]))
}

/** The interface and all interfaces below it. */
function withLower(
  top: NetworkInterface,
  all: ReadonlyMap<string, NetworkInterface>,
): NetworkInterface[] {
  const found = new Set([top])
  // The loop also visits the elements that are added to the Set during the iteration.
  for (const { lower } of found) {
    for (const label of lower) {
      const one = all.get(label)
      if (one !== undefined) found.add(one)
    }
  }
  return [...found]
}
