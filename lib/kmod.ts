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
  ModuleEvent,
  ModuleFile,
  ModuleGraph,
  ModuleInfo,
  ModuleScope,
  ModuleStatus,
  Preflight,
  ReferenceEvent,
  ReloadOptions,
  ReloadReport,
  RemoveOptions,
  TraceOptions,
  UnloadOptions,
  UnloadPlan,
  UnloadReport,
  Usage,
  WatchOptions,
} from './contract/types'
import type { TracedCall } from './change/diagnostics'
import type { RunningCalls } from './change/running-calls'
import { asyncDispose } from './contract/dispose'
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
export class Kmod implements Functions, AsyncDisposable {
  #open: () => Kernel = () => verbs().openKernel()
  #opened: { kernel: Kernel; calls: RunningCalls } | undefined
  #closing = Promise.resolve()

  /**
   * Throws a TypeError for a wrong option, or if `kernelRelease` and `moduleDirectory` are absent and
   * `<root>/lib/modules` of another root has several releases. It reads at most the names in that
   * folder.
   */
  constructor(options?: KmodOptions) {
    if (options === undefined) return
    // A copy: the object may be changed before the system is opened again after close().
    const own = { ...options }
    this.#open = (): Kernel => verbs().openKernel(own)
    this.#use(verbs().openKernel(options))
  }

  /** A Kmod for a given kernel, such as the simulated one of the tests. @internal */
  static over(kernel: Kernel): Kmod {
    const kmod = new Kmod()
    kmod.#open = (): Kernel => kernel
    return kmod
  }

  /** The kernel for an IdleReaper. When the Kmod is closed, `stop` is called. @internal */
  static lend(kmod: Kmod, stop: () => Promise<void>): { kernel: Kernel; giveBack: () => void } {
    const { kernel, calls } = kmod.#system
    return { kernel, giveBack: calls.onAbort(stop) }
  }

  #use(kernel: Kernel): { kernel: Kernel; calls: RunningCalls } {
    return (this.#opened = { kernel, calls: new (verbs().RunningCalls)() })
  }

  get #system(): { kernel: Kernel; calls: RunningCalls } {
    return this.#opened ?? this.#use(this.#open())
  }

  /** Makes a call that also ends when the Kmod is closed. */
  #run<Options extends CallOptions | undefined, T>(
    options: Options,
    call: (kernel: Kernel, options: Options) => Promise<T>,
  ): Promise<T> {
    const { kernel, calls } = this.#system
    return calls.run(options, (own) => call(kernel, own))
  }

  /** Runs a call that only reads the system, and rejects it when its `signal` aborts. */
  #ask<T>(
    call: string,
    options: CallOptions | undefined,
    question: (kernel: Kernel) => Promise<T>,
  ): Promise<T> {
    return this.#run(options, (kernel, own) => verbs().ask(kernel, call, own, question))
  }

  /**
   * Ends everything that belongs to this object: its calls reject with ERR_KMOD_ABORTED; its traces,
   * watches, reapers and helper programs end, and the temporary folder of a captured system is deleted. Resolves within
   * `timeout`; a removal that is stuck inside the kernel is abandoned. Never rejects. A later call starts
   * again. `await using` does the same.
   *
   * @example
   * ```js
   * await using captured = new Kmod({ root: '/srv/customer' })
   * ```
   */
  async close(): Promise<void> {
    const opened = this.#opened
    this.#opened = undefined
    if (opened !== undefined) {
      const { kernel, calls } = opened
      const closed = verbs().close(kernel, calls)
      this.#closing = Promise.all([this.#closing, closed]).then(() => undefined)
    }
    await this.#closing
  }

  /** As {@link Kmod.close}; `await using` calls it. */
  async [asyncDispose](): Promise<void> {
    await this.close()
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

  /** Runs a call of which tools are told. */
  #traced<T>(name: TracedCall, args: readonly unknown[], call: () => Promise<T>): Promise<T> {
    return verbs().traced(name, { kmod: this, arguments: args }, call)
  }

  async plan(names: string | readonly string[], options?: UnloadOptions): Promise<UnloadPlan> {
    return this.#traced('plan', [names, options], async () => {
      const { signal } = verbs().checkUnloadOptions(options)
      return this.#ask('plan', { signal }, (kernel) => verbs().plan(kernel, names, options))
    })
  }

  async unload(
    what: string | readonly string[] | UnloadPlan,
    options?: UnloadOptions,
  ): Promise<UnloadReport> {
    return this.#traced('unload', [what, options], () =>
      this.#run(options, (kernel, own) => verbs().unload(kernel, what, own)),
    )
  }

  async reload(
    what: string | readonly string[] | ModuleFile,
    options?: ReloadOptions,
  ): Promise<ReloadReport> {
    return this.#traced('reload', [what, options], () =>
      this.#run(options, (kernel, own) => verbs().reload(kernel, what, own)),
    )
  }

  async scope(options?: UnloadOptions): Promise<ModuleScope> {
    const { kernel, calls } = this.#system
    return verbs().scope(kernel, calls, options)
  }

  watch(options?: WatchOptions): AsyncIterableIterator<ModuleEvent> & AsyncDisposable {
    return verbs().watch(this.#system.kernel, options)
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
    return this.#run(options, (kernel, own) => verbs().capture(kernel, folder, own))
  }

  trace(
    name: string,
    options?: TraceOptions,
  ): AsyncIterableIterator<ReferenceEvent> & AsyncDisposable {
    return verbs().trace(this.#system.kernel, name, options)
  }

  async remove(name: string, options?: RemoveOptions): Promise<void> {
    return this.#run(options, (kernel, own) => verbs().remove(kernel, name, own))
  }

  async load(what: string | ModuleFile, options?: LoadOptions): Promise<LoadReport> {
    return this.#traced('load', [what, options], () =>
      this.#run(options, (kernel, own) => verbs().load(kernel, what, own)),
    )
  }
}

/** The running system. Its methods are also exported as named functions. */
export const kmod = new Kmod()
