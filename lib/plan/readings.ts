/** Everything that a plan has read of the system. */
import type { StuckChanges } from '../change/calls'
import { isKmodError } from '../contract/errors'
import type { Effect } from '../contract/types'
import { effectsOf } from '../guard/effects'
import { NO_INDEX } from '../inspect/meaning'
import type { Kernel } from '../kernel/kernel'
import type { RemovalPolicy } from '../kernel/module-index'
import type { Graph } from './graph'
import type { Explanation } from './users'

export interface Readings {
  graph: Graph
  /** Has only the modules for which something is configured. */
  policies: ReadonlyMap<string, RemovalPolicy>
  /** By module; empty if the plan did not need to know. */
  effects: ReadonlyMap<string, Effect[]>
  /** The modules that drive a device that is present; empty if the plan did not need to know. */
  drivers: ReadonlySet<string>
  /** Has only modules for which the plan depends on who has their references. */
  explanations: ReadonlyMap<string, Explanation>
  stuck: Pick<StuckChanges, 'pid'>
}

/** Reads the policies of modules as they are needed, each once. */
export class PolicyReader {
  readonly policies = new Map<string, RemovalPolicy>()
  readonly #asked = new Set<string>()
  readonly #problems = new Set<string>()

  constructor(private readonly kernel: Kernel) {}

  /** What could not be read, as entries of the plan's `unreadable`. */
  get unreadable(): string[] {
    return [...this.#problems]
  }

  /** Returns false if all of these had been read before. */
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

/** What would stop working, by module, and which modules drive devices. */
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
