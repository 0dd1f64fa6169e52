/** Everything that a plan has read from the system. */
import type { StuckChanges } from '../change/calls'
import { isKmodError } from '../contract/errors'
import type { Effect } from '../contract/types'
import { effectsOf } from '../guard/effects'
import { NO_INDEX } from '../inspect/meaning'
import type { Kernel } from '../kernel/kernel'
import type { RemovalPolicy } from '../kernel/module-index'
import type { Graph } from './graph'
import type { Releases } from './releases'
import type { Explanation } from './users'

export interface Readings {
  graph: Graph
  /** By module; has only modules for which something is configured. */
  policies: ReadonlyMap<string, RemovalPolicy>
  /** By module; empty if the plan did not need the effects. */
  effects: ReadonlyMap<string, Effect[]>
  /** The modules with a driver to which a device is bound; empty if the plan did not need them. */
  drivers: ReadonlySet<string>
  /** By module; has only modules for which the plan depends on what holds their references. */
  explanations: ReadonlyMap<string, Explanation>
  stuck: Pick<StuckChanges, 'pid'>
  /** What is released before the removals. */
  releases: Releases
}

/** Reads the policy of each module once, when a plan needs it. */
export class PolicyReader {
  readonly policies = new Map<string, RemovalPolicy>()
  readonly #asked = new Set<string>()
  readonly #problems = new Set<string>()

  constructor(private readonly kernel: Kernel) {}

  /** What could not be read, as entries of the plan's `unreadable`. */
  get unreadable(): string[] {
    return [...this.#problems]
  }

  /** Returns false if the policies of all these modules were read before. */
  async read(names: Iterable<string>): Promise<boolean> {
    const unknown = [...names].filter((name) => !this.#asked.has(name))
    if (unknown.length === 0) return false
    for (const name of unknown) this.#asked.add(name)
    try {
      const { complete, unreadable, policies } = await this.kernel.index.policies(unknown)
      for (const [name, policy] of policies) this.policies.set(name, policy)
      for (const problem of unreadable) this.#problems.add(problem)
      if (!complete) this.#problems.add(NO_INDEX)
    } catch (error) {
      if (!isKmodError(error)) throw error
      this.#problems.add(`softdeps and commands of modprobe.d: ${error.message}`)
    }
    return true
  }
}

/** Reads what would stop working without each module, and which modules drive devices. */
export async function readEffects(
  kernel: Kernel,
): Promise<Pick<Readings, 'effects' | 'drivers'> & { unreadable: string[] }> {
  const snapshot = await kernel.snapshot({ users: false })
  return {
    effects: effectsOf(snapshot),
    drivers: new Set(snapshot.boundDevices.flatMap(({ modules }) => modules)),
    unreadable: snapshot.unreadable,
  }
}
