import type { NetworkInterface } from '../kernel/snapshot'

/** The interface, and all that it lies on. */
export function withLower(
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
