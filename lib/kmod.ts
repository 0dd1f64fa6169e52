/** The class Kmod, and the instance for the running system. */
import type { Kernel } from './kernel/kernel'
import type {
  CallOptions,
  CaptureOptions,
  CaptureReport,
  Effect,
  GraphOptions,
  KmodOptions,
  LoadedModule,
  LoadOptions,
  LoadReport,
  ModuleGraph,
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

/** The methods of a Kmod; each has the documentation of the function of its name in functions.ts. */
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
 * The methods return promises (`trace`: an async iterator) and report every failure by rejecting: with
 * a TypeError for a wrong argument (its `code` is ERR_INVALID_ARG_TYPE or ERR_INVALID_ARG_VALUE),
 * otherwise with a `KmodError`.
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
   * Throws a TypeError for a wrong option, or if `kernelRelease` and `moduleDirectory` are absent and
   * `<root>/lib/modules` of another root has several releases. It reads at most the names in that
   * folder.
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

  /** Runs a call that only reads the system, and rejects it when its `signal` aborts. */
  #ask<T>(
    call: string,
    options: CallOptions | undefined,
    question: (kernel: Kernel) => Promise<T>,
  ): Promise<T> {
    const kernel = this.#kernel
    return verbs().ask(kernel, call, options, () => question(kernel))
  }

  async list(options?: CallOptions): Promise<LoadedModule[]> {
    return this.#ask('list', options, (kernel) => kernel.table())
  }

  async find(name: string, options?: CallOptions): Promise<LoadedModule | undefined> {
    return this.#ask('find', options, (kernel) => verbs().find(kernel, name))
  }

  async holders(name: string, options?: CallOptions): Promise<string[]> {
    return this.#ask('holders', options, (kernel) => verbs().holders(kernel, name))
  }

  async status(name: string, options?: CallOptions): Promise<ModuleStatus> {
    return this.#ask('status', options, (kernel) => verbs().status(kernel, name))
  }

  async isLoaded(name: string, options?: CallOptions): Promise<boolean> {
    return (await this.status(name, options)) === 'live'
  }

  async isBuiltin(name: string, options?: CallOptions): Promise<boolean> {
    return (await this.status(name, options)) === 'builtin'
  }

  async info(what: string | { file: string }, options?: CallOptions): Promise<ModuleInfo> {
    return this.#ask('info', options, (kernel) => verbs().info(kernel, what))
  }

  async resolve(nameOrAlias: string, options?: CallOptions): Promise<string[]> {
    return this.#ask('resolve', options, (kernel) => verbs().resolve(kernel, nameOrAlias))
  }

  async preflight(options?: CallOptions): Promise<Preflight> {
    return this.#ask('preflight', options, (kernel) => verbs().preflight(kernel))
  }

  async plan(names: string | readonly string[], options?: UnloadOptions): Promise<UnloadPlan> {
    const { signal } = verbs().checkUnloadOptions(options)
    return this.#ask('plan', { signal }, (kernel) => verbs().plan(kernel, names, options))
  }

  async unload(
    what: string | readonly string[] | UnloadPlan,
    options?: UnloadOptions,
  ): Promise<UnloadReport> {
    return verbs().unload(this.#kernel, what, options)
  }

  async explain(name: string, options?: CallOptions): Promise<Usage> {
    return this.#ask('explain', options, (kernel) => verbs().explain(kernel, name))
  }

  async impact(names: string | readonly string[], options?: CallOptions): Promise<Effect[]> {
    return this.#ask('impact', options, (kernel) => verbs().impact(kernel, names))
  }

  async graph(names?: string | readonly string[], options?: GraphOptions): Promise<ModuleGraph> {
    const { signal } = verbs().checkGraphOptions(options)
    return this.#ask('graph', { signal }, (kernel) => verbs().graph(kernel, names, options))
  }

  async capture(folder: string, options?: CaptureOptions): Promise<CaptureReport> {
    return verbs().capture(this.#kernel, folder, options)
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
