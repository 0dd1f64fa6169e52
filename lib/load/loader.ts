/** Inserts modules, and records which modules that has loaded. */
import { awaitChange, type ChangeLimits } from '../change/change'
import { insertionError, notLoadedError } from '../change/change-error'
import type { HealthWatch } from '../change/health'
import { throwIfAborted } from '../change/waiting'
import type { LoadedModule } from '../contract/types'
import { statusOfAbsent } from '../inspect/status'
import type { Change, InsertRequest, Kernel } from '../kernel/kernel'

/** One call inserts its modules one after the other. */
export class Loader {
  readonly loaded: string[] = []

  constructor(
    private readonly kernel: Kernel,
    private readonly before: readonly LoadedModule[],
    private readonly limits: ChangeLimits,
    private readonly health: HealthWatch,
  ) {}

  async insert(request: InsertRequest): Promise<void> {
    const { kernel, limits } = this
    const { module } = request
    throwIfAborted(limits.signal, `Loading ${module}`)
    const change = kernel.insert(request)
    const end = await awaitChange(kernel, module, change, limits)
    const now = await this.#noteLoaded(change)
    if (end.outcome !== 'done') {
      throw await insertionError(kernel, request, change, end, await this.health.kernelMessages())
    }
    if (now.has(module) || (await statusOfAbsent(kernel, module)) === 'builtin') return
    throw notLoadedError(module, change)
  }

  /** Returns the modules that are loaded now. */
  async #noteLoaded({ attempts }: Change): Promise<Set<string>> {
    const rows = (await this.kernel.table()).filter(({ state }) => state === 'live')
    const now = new Set(rows.map(({ name }) => name))
    for (const { module } of attempts) {
      const isNew = !this.before.some(({ name }) => name === module)
      if (isNew && now.has(module) && !this.loaded.includes(module)) this.loaded.push(module)
    }
    return now
  }
}
