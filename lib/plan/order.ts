/** The third stage: in which order what goes can go. */
import type { StepReason } from '../contract/types'
import type { World } from './world'

/**
 * Holders before what they use: that the kernel demands. Softdeps, post before and pre after, as far
 * as that allows and they do not contradict each other (modprobe.d may name a cycle).
 */
export function order(
  { graph, policies }: Pick<World, 'graph' | 'policies'>,
  goes: ReadonlyMap<string, StepReason>,
): string[] {
  const before = new Constraints()
  for (const name of goes.keys()) {
    for (const holder of graph.holders(name)) if (goes.has(holder)) before.add(holder, name, 'hard')
  }
  for (const [name, reason] of goes) {
    // Softdeps of what goes along do not count.
    if (reason !== 'target' && reason !== 'holder') continue
    const { pre = [], post = [] } = policies.get(name)?.softDependencies ?? {}
    for (const one of post) if (goes.has(one) && one !== name) before.add(one, name, 'soft')
    for (const one of pre) if (goes.has(one) && one !== name) before.add(name, one, 'soft')
  }
  return before.sort(preferred(graph, goes))
}

/** A natural order of the roots: what holds a target right before it, and so on up. */
function preferred(graph: World['graph'], goes: ReadonlyMap<string, StepReason>): string[] {
  const names: string[] = []
  const seen = new Set<string>()
  const stack = [...goes.keys()].reverse()
  for (let name = stack.pop(); name !== undefined; name = stack.pop()) {
    if (seen.has(name)) continue
    seen.add(name)
    names.push(name)
    for (const holder of [...graph.holders(name)].reverse()) {
      if (goes.has(holder) && !seen.has(holder)) stack.push(holder)
    }
  }
  return names
}

type Strength = 'hard' | 'soft'

class Constraints {
  readonly #after = new Map<string, { name: string; strength: Strength }[]>()
  readonly #waitingFor = { hard: new Map<string, number>(), soft: new Map<string, number>() }

  add(first: string, second: string, strength: Strength): void {
    const list = this.#after.get(first)
    if (list === undefined) this.#after.set(first, [{ name: second, strength }])
    else list.push({ name: second, strength })
    const counts = this.#waitingFor[strength]
    counts.set(second, (counts.get(second) ?? 0) + 1)
  }

  /**
   * Depth first: what becomes free follows what freed it. Where soft constraints are in the way of
   * everything that is left, the first module that only they hold up goes all the same.
   */
  sort(names: readonly string[]): string[] {
    const sorted = new Set<string>()
    const { hard, soft } = this.#waitingFor
    const ready: string[] = []
    const patient = new Set<string>()
    const sortIn = (freed: readonly string[]): void => {
      for (const name of freed.toReversed()) {
        if (sorted.has(name) || hard.get(name)) continue
        if (soft.get(name)) patient.add(name)
        else ready.push(name)
      }
    }
    const take = (name: string): void => {
      sorted.add(name)
      patient.delete(name)
      const after = this.#after.get(name) ?? []
      for (const { name: second, strength } of after) {
        const counts = this.#waitingFor[strength]
        counts.set(second, counts.get(second)! - 1)
      }
      sortIn(after.map(({ name: second }) => second))
    }
    sortIn(names)
    for (;;) {
      const next = ready.pop() ?? patient.values().next().value
      if (next === undefined) break
      if (!sorted.has(next)) take(next)
      else patient.delete(next)
    }
    // Modules that use each other in a circle: no kernel has them, but a file can say so.
    for (const name of names) sorted.add(name)
    return [...sorted]
  }
}
