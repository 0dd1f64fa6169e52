/** The third stage of a plan: the order of the removals. */
import type { Graph } from './graph'
import type { Readings } from './readings'
import type { RemovalSet } from './select'
import { addTo } from '../kernel/lists'

export interface Order {
  names: string[]
  /**
   * Modules that use each other in a circle, and the modules that these use: no order can remove them. A
   * running kernel never has a circle, but the table of a captured system can.
   */
  inCircles: ReadonlySet<string>
}

/**
 * A module is removed after its holders, because the kernel requires it. Its `post` soft dependencies
 * are removed before it, and its `pre` soft dependencies after it, unless that contradicts the holders
 * or another soft dependency (modprobe.d may contain cycles). `earlier`: the order that an earlier plan
 * of the same call had.
 */
export function order(
  { graph, policies }: Pick<Readings, 'graph' | 'policies'>,
  removals: RemovalSet,
  earlier: readonly string[] = [],
): Order {
  const constraints = new Constraints()
  for (const name of removals.keys()) {
    for (const holder of graph.holders(name)) {
      if (removals.has(holder)) constraints.add(holder, name, 'holder')
    }
  }
  for (const [name, reason] of removals) {
    // The soft dependencies of dependencies are ignored.
    if (reason !== 'target' && reason !== 'holder') continue
    const { pre = [], post = [] } = policies.get(name)?.softDependencies ?? {}
    const isOther = (one: string): boolean => removals.has(one) && one !== name
    for (const one of post.filter(isOther)) constraints.add(one, name, 'softdep')
    for (const one of pre.filter(isOther)) constraints.add(name, one, 'softdep')
  }
  return constraints.sort(preferredOrder(graph, removals, earlier), earlier)
}

/**
 * The modules of an earlier order first, then the others depth first, each before its holders. If several modules could be removed next, this order
 * decides which one is.
 */
function preferredOrder(graph: Graph, removals: RemovalSet, earlier: readonly string[]): string[] {
  const names = new Set(earlier.filter((name) => removals.has(name)))
  const stack = [...removals.keys()].reverse()
  for (let name = stack.pop(); name !== undefined; name = stack.pop()) {
    if (names.has(name)) continue
    names.add(name)
    for (const holder of [...graph.holders(name)].reverse()) {
      if (removals.has(holder) && !names.has(holder)) stack.push(holder)
    }
  }
  return [...names]
}

type ConstraintKind = 'holder' | 'softdep'

/** Pairs of modules of which the first must be removed before the second. */
class Constraints {
  readonly #after = new Map<string, { name: string; kind: ConstraintKind }[]>()
  /** How many modules must still be removed before each one. */
  readonly #before = { holder: new Map<string, number>(), softdep: new Map<string, number>() }

  add(first: string, second: string, kind: ConstraintKind): void {
    addTo(this.#after, first, { name: second, kind })
    const counts = this.#before[kind]
    counts.set(second, (counts.get(second) ?? 0) + 1)
  }

  /**
   * A topological sort, depth first: a module is removed right after the module whose removal made it
   * free (without constraints). If no free module is left, soft dependencies contradict each other; then
   * the first of `names` that has only such constraints is next.
   */
  sort(names: readonly string[], earlier: readonly string[]): Order {
    const ranks = new Map(earlier.map((name, i) => [name, i]))
    const rank = (name: string): number => ranks.get(name) ?? earlier.length
    const sorted = new Set<string>()
    const { holder, softdep } = this.#before
    const free: string[] = []
    const heldBySoftdeps = new Set<string>()
    const firstHeld = (): string | undefined =>
      heldBySoftdeps.size === 0 ? undefined : names.find((name) => heldBySoftdeps.has(name))
    const classify = (candidates: readonly string[]): void => {
      for (const name of candidates.toReversed()) {
        if (sorted.has(name) || holder.get(name)) continue
        if (softdep.get(name)) heldBySoftdeps.add(name)
        else free.push(name)
      }
    }
    const append = (name: string): void => {
      sorted.add(name)
      heldBySoftdeps.delete(name)
      const after = this.#after.get(name) ?? []
      for (const { name: second, kind } of after) {
        const counts = this.#before[kind]
        counts.set(second, counts.get(second)! - 1)
      }
      const freed = after.map(({ name: second }) => second)
      classify(freed.sort((one, other) => rank(one) - rank(other)))
    }
    classify(names)
    for (;;) {
      const next = free.pop() ?? firstHeld()
      if (next === undefined) break
      if (!sorted.has(next)) append(next)
      else heldBySoftdeps.delete(next)
    }
    const inCircles = new Set(names.filter((name) => !sorted.has(name)))
    return { names: [...sorted, ...inCircles], inCircles }
  }
}
