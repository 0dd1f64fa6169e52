/** The class Kmod, and the instance for the running system. */
import type { Kernel } from './kernel/kernel'
import type {
  Effect,
  KmodOptions,
  LoadedModule,
  LoadOptions,
  LoadReport,
  ModuleInfo,
  ModuleStatus,
  Preflight,
  ReferenceEvent,
  RemoveOptions,
  TraceOptions,
  UnloadOptions,
  UnloadPlan,
  UnloadReport,
  Usage,
} from './contract/types'
import type * as functions from './functions'
import type * as Verbs from './verbs'

/** What a Kmod can do; the documentation of each method is that of the function in functions.ts. */
type Functions = typeof functions

/** Loads the implementation at the first call, so that requiring the package costs almost nothing. */
function verbs(): typeof Verbs {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- an import would load it now
  return require('./verbs') as typeof Verbs
}

/**
 * A system whose kernel modules can be inspected and changed: the running system or, with the option
 * `root`, a captured one.
 *
 * The methods return promises and report every failure by rejecting: with a TypeError for a wrong
 * argument (its `code` is ERR_INVALID_ARG_TYPE or ERR_INVALID_ARG_VALUE), else with a `KmodError`.
 *
 * In names, `-` and `_` are the same; results always have `_`.
 *
 * @example
 * ```js
 * const captured = new Kmod({ root: '/srv/customer' })
 * const { users } = await captured.explain('uvcvideo')
 * ```
 */
export class Kmod implements Functions {
  #opened: Kernel | undefined

  /**
   * Throws a TypeError for a wrong option, or if `kernelRelease` is absent and `<root>/lib/modules` has
   * several releases. It reads at most the names in that folder.
   */
  constructor(options?: KmodOptions) {
    if (options !== undefined) this.#opened = verbs().openKernel(options)
  }

  /** A Kmod for a given kernel, such as the simulated one of the tests. @internal */
  static over(kernel: Kernel): Kmod {
    const kmod = new Kmod()
    kmod.#opened = kernel
    return kmod
  }

  get #kernel(): Kernel {
    this.#opened ??= verbs().openKernel()
    return this.#opened
  }

  async list(): Promise<LoadedModule[]> {
    return this.#kernel.table()
  }

  async find(name: string): Promise<LoadedModule | undefined> {
    return verbs().find(this.#kernel, name)
  }

  async holders(name: string): Promise<string[]> {
    return verbs().holders(this.#kernel, name)
  }

  async status(name: string): Promise<ModuleStatus> {
    return verbs().status(this.#kernel, name)
  }

  async isLoaded(name: string): Promise<boolean> {
    return (await verbs().status(this.#kernel, name)) === 'live'
  }

  async isBuiltin(name: string): Promise<boolean> {
    return (await verbs().status(this.#kernel, name)) === 'builtin'
  }

  async info(what: string | { file: string }): Promise<ModuleInfo> {
    return verbs().info(this.#kernel, what)
  }

  async resolve(nameOrAlias: string): Promise<string[]> {
    return verbs().resolve(this.#kernel, nameOrAlias)
  }

  async preflight(): Promise<Preflight> {
    return verbs().preflight(this.#kernel)
  }

  async plan(names: string | readonly string[], options?: UnloadOptions): Promise<UnloadPlan> {
    return verbs().plan(this.#kernel, names, options)
  }

  async unload(
    what: string | readonly string[] | UnloadPlan,
    options?: UnloadOptions,
  ): Promise<UnloadReport> {
    return verbs().unload(this.#kernel, what, options)
  }

  async explain(name: string): Promise<Usage> {
    return verbs().explain(this.#kernel, name)
  }

  async impact(names: string | readonly string[]): Promise<Effect[]> {
    return verbs().impact(this.#kernel, names)
  }

  trace(
    name: string,
    options?: TraceOptions,
  ): AsyncIterableIterator<ReferenceEvent> & AsyncDisposable {
    return verbs().trace(this.#kernel, name, options)
  }

  async remove(name: string, options?: RemoveOptions): Promise<void> {
    return verbs().remove(this.#kernel, name, options)
  }

  async load(what: string | { file: string }, options?: LoadOptions): Promise<LoadReport> {
    return verbs().load(this.#kernel, what, options)
  }
}

/** The running system. Its methods are also exported as named functions. */
export const kmod = new Kmod()
