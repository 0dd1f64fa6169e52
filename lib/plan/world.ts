/** One reading of everything that a plan depends on. */
import { isKmodError } from '../contract/errors'
import { effectsOf } from '../guard/effects'
import { NO_INDEX } from '../inspect/meaning'
import type { Kernel } from '../kernel/kernel'
import type { RemovalPolicy } from '../kernel/module-index'
import type { Effect } from '../contract/types'
import type { Graph } from './graph'

export interface World {
  graph: Graph
  /** Of the modules for which anything is configured. */
  policies: Map<string, RemovalPolicy>
  /** By module; empty while nobody has looked. */
  effects: Map<string, Effect[]>
}

/** Reads policies as the need for them shows, each once. */
export class PolicyReader {
  readonly policies = new Map<string, RemovalPolicy>()
  readonly #asked = new Set<string>()
  readonly #problems = new Set<string>()

  constructor(private readonly kernel: Kernel) {}

  /** What could not be read, so that there may be more than `policies` has. */
  get unreadable(): string[] {
    return [...this.#problems]
  }

  /** Whether there was anything that had not been read before. */
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

/** What would stop working, by module. */
export async function readEffects(
  kernel: Kernel,
): Promise<{ effects: Map<string, Effect[]>; unreadable: string[] }> {
  const snapshot = await kernel.snapshot({ users: false })
  return { effects: effectsOf(snapshot), unreadable: snapshot.unreadable }
}
