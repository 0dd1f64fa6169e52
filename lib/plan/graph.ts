/** Which modules use which other modules, from one reading of the kernel's table. */
import type { LoadedModule } from '../contract/types'
import { addTo } from '../kernel/lists'

export class Graph {
  readonly #rows: Map<string, LoadedModule>
  #uses: Map<string, string[]> | undefined

  constructor(private readonly table: readonly LoadedModule[]) {
    this.#rows = new Map(table.map((row) => [row.name, row]))
  }

  row(name: string): LoadedModule | undefined {
    return this.#rows.get(name)
  }

  has(name: string): boolean {
    return this.#rows.has(name)
  }

  holders(name: string): readonly string[] {
    return this.#rows.get(name)?.holders ?? []
  }

  /** The loaded modules that this one uses directly, newest first. */
  uses(name: string): readonly string[] {
    this.#uses ??= this.#invertHolders()
    return this.#uses.get(name) ?? []
  }

  /** The names, and every name that repeated calls of `next` return, each once, breadth first. */
  reach(names: Iterable<string>, next: (name: string) => readonly string[]): Set<string> {
    const reached = new Set(names)
    for (const name of reached) for (const one of next(name)) reached.add(one)
    return reached
  }

  #invertHolders(): Map<string, string[]> {
    const uses = new Map<string, string[]>()
    for (const { name, holders } of this.table) {
      for (const holder of holders) addTo(uses, holder, name)
    }
    return uses
  }
}
