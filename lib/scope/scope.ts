/** The verb scope: modules that are loaded for a limited time, such as that of one test. */
import { HealthWatch } from '../change/health'
import { refuseReadOnly } from '../change/change'
import { throwIfAborted } from '../change/waiting'
import { isKmodError, KmodError } from '../contract/errors'
import { asyncDispose } from '../contract/dispose'
import type {
  LoadOptions,
  LoadReport,
  ModuleFile,
  ModuleScope,
  ScopeCheck,
  UnloadOptions,
  UnloadReport,
} from '../contract/types'
import type { Kernel } from '../kernel/kernel'
import { loadTargets } from '../load/load'
import { checkUnloadOptions, planOptions } from '../plan/options'
import { NO_PROGRESS, withOwn } from '../plan/progress'
import { carryOut } from '../unload/unload'

const DEFAULTS: UnloadOptions = { wait: 10_000, dependencies: 'keep' }

export async function scope(kernel: Kernel, rawOptions?: unknown): Promise<ModuleScope> {
  const options = { ...DEFAULTS, ...checkUnloadOptions(rawOptions) }
  refuseReadOnly(kernel)
  throwIfAborted(options.signal, 'The scope')
  const health = await HealthWatch.begin(kernel, { isLoading: true })
  const before = new Set((await kernel.table()).map(({ name }) => name))
  return new Scope(kernel, options, before, health)
}

class Scope implements ModuleScope {
  readonly #loaded: string[] = []
  /** Those of `#loaded` that the scope was asked for; the others are their dependencies. */
  readonly #targets = new Set<string>()
  /** Loads that have not ended. */
  readonly #loads = new Set<Promise<unknown>>()
  #disposal: Promise<UnloadReport> | undefined

  constructor(
    private readonly kernel: Kernel,
    private readonly options: UnloadOptions,
    private readonly before: ReadonlySet<string>,
    private readonly health: HealthWatch,
  ) {}

  get loaded(): readonly string[] {
    return [...this.#loaded]
  }

  async load(what: string | ModuleFile, options?: LoadOptions): Promise<LoadReport> {
    if (this.#disposal !== undefined) {
      throw new KmodError(
        'ERR_KMOD_ABORTED',
        'The scope has ended: it cannot load modules any more.',
      )
    }
    const loading = this.#load(what, options)
    this.#loads.add(loading)
    try {
      return await loading
    } finally {
      this.#loads.delete(loading)
    }
  }

  async #load(what: string | ModuleFile, options?: LoadOptions): Promise<LoadReport> {
    try {
      const { report, targets } = await loadTargets(this.kernel, what, options)
      this.#remember(report.loaded)
      for (const name of targets) if (this.#loaded.includes(name)) this.#targets.add(name)
      return report
    } catch (error) {
      if (isKmodError(error)) this.#remember(error.loaded ?? [])
      throw error
    }
  }

  #remember(modules: readonly string[]): void {
    this.#loaded.push(...modules.filter((name) => !this.#loaded.includes(name)))
  }

  async check(): Promise<ScopeCheck> {
    const [health, table] = await Promise.all([this.health.lap(), this.kernel.table()])
    const leftovers = table
      .map(({ name }) => name)
      .filter((name) => !this.before.has(name) && !this.#loaded.includes(name))
    return { ...health, leftovers }
  }

  dispose(): Promise<UnloadReport> {
    return (this.#disposal ??= this.#dispose())
  }

  async [asyncDispose](): Promise<void> {
    await this.dispose()
  }

  async #dispose(): Promise<UnloadReport> {
    await Promise.allSettled(this.#loads)
    const newestFirst = this.#loaded.toReversed()
    const isTarget = (name: string): boolean => this.#targets.has(name)
    const others = newestFirst.filter((name) => !isTarget(name))
    try {
      return await carryOut(this.kernel, {
        names: newestFirst.filter(isTarget),
        options: this.options,
        // Something else may have removed a module whose file is not installed.
        planOptions: { ...planOptions(this.options), allowUnknown: true },
        progress: withOwn(NO_PROGRESS, others),
      })
    } finally {
      await this.health.finish()
    }
  }
}
