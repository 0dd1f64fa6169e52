/** What the calls of this process share if they work on the same system. */
import type { Change, Kernel } from '../kernel/kernel'
import { Queue } from './queue'

interface Calls {
  readonly queue: Queue
  readonly stuck: StuckChanges
}

/** Changes that a call has stopped waiting for and that are still inside the kernel. */
export class StuckChanges {
  readonly #byModule = new Map<string, Change>()

  /** Remembers the change until it ends. */
  add(change: Change, modules: Iterable<string>): void {
    const names = [...modules]
    for (const name of names) this.#byModule.set(name, change)
    const forget = (): void => {
      for (const name of names) {
        if (this.#byModule.get(name) === change) this.#byModule.delete(name)
      }
    }
    change.ended.then(forget, forget)
  }

  has(module: string): boolean {
    return this.#byModule.has(module)
  }

  /** The process that is inside the kernel with a change of this module. */
  pid(module: string): number | undefined {
    return this.#byModule.get(module)?.pid
  }
}

const bySystem = new WeakMap<object, Calls>()

/** All kernels of the same system share one queue. */
export function callsOn({ system }: Pick<Kernel, 'system'>): Calls {
  let calls = bySystem.get(system)
  if (calls === undefined) {
    calls = { queue: new Queue(), stuck: new StuckChanges() }
    bySystem.set(system, calls)
  }
  return calls
}
