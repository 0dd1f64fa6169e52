/**
 * Which modules were used between two passes. The kernel counts the references that are taken; where it
 * cannot (no tracefs), the modules that were loaded meanwhile tell which modules they used.
 */
import { isKmodError } from '../contract/errors'
import type { EventSource, Kernel, UseCount } from '../kernel/kernel'
import type { ModuleEvent } from '../contract/types'

/** Null where the modules cannot be watched: their identities still show which were loaded again. */
function open(kernel: Kernel): EventSource<ModuleEvent> | null {
  try {
    // The timer of the reaper keeps the Node process alive, if anything does.
    return kernel.watchModules({ ref: false })
  } catch (error) {
    if (!isKmodError(error)) throw error
    return null
  }
}

/** Whether a module was used since the last pass. */
export type WasUsed = (module: string) => boolean

export class Uses {
  readonly #count: UseCount
  #before: ReadonlyMap<string, number> | null = null
  readonly #watch: EventSource<ModuleEvent> | null
  /** What the watch has seen since the last pass; `null`: events were lost. */
  #seen: Set<string> | null = new Set()
  #identities = new Map<string, string>()

  constructor(private readonly kernel: Kernel) {
    this.#count = kernel.countUses()
    this.#watch = open(kernel)
    if (this.#watch !== null) void this.#collect(this.#watch)
  }

  /** Must be called at the begin of a pass, before the pass itself takes references. */
  async sinceLastPass(modules: readonly string[]): Promise<WasUsed> {
    const now = await this.#count.read()
    const before = this.#before
    const again = new Set<string>()
    for (const [module, identity] of await this.#identify(modules)) {
      const known = this.#identities.get(module)
      if (known !== undefined && known !== identity) again.add(module)
    }
    if (now !== null && before !== null) {
      return (module) =>
        !now.complete ||
        again.has(module) ||
        (now.uses.get(module) ?? 0) > (before.get(module) ?? 0)
    }
    if (this.#seen === null) return () => true
    const used = await this.#usedBy([...this.#seen])
    return (module) => again.has(module) || used.has(module)
  }

  /** Must be called at the end of a pass: what happens from now on counts for the next one. */
  async startAgain(modules: readonly string[]): Promise<void> {
    this.#seen = new Set()
    this.#identities = await this.#identify(modules)
    this.#before = (await this.#count.read())?.uses ?? null
  }

  async close(): Promise<void> {
    await Promise.all([this.#count.close(), this.#watch?.close()])
  }

  async #collect(watch: EventSource<ModuleEvent>): Promise<void> {
    try {
      for (let event; (event = await watch.next()) !== null;) {
        if (event.module === null) this.#seen = null
        else this.#seen?.add(event.module)
      }
    } catch (error) {
      if (!isKmodError(error)) throw error
      this.#seen = null
    }
  }

  /** The modules, and what each of them needs. */
  async #usedBy(modules: readonly string[]): Promise<Set<string>> {
    const needs = await this.kernel.index.needs(modules)
    return new Set([...modules, ...needs.flat()])
  }

  async #identify(modules: readonly string[]): Promise<Map<string, string>> {
    const found = await this.kernel.sysModules(modules)
    return new Map(modules.map((module, i) => [module, found[i]!.identity]))
  }
}
