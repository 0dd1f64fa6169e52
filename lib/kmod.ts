/** The public object: a line a method. */
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
import type * as Verbs from './verbs'

/**
 * What does the work is loaded at the first call: a program that requires the package and never asks
 * it anything pays next to nothing for it.
 */
function verbs(): typeof Verbs {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- an import would load it now
  return require('./verbs') as typeof Verbs
}

/**
 * A system whose kernel modules are looked at and changed: the running one, or, with `root`, a
 * captured one. Making one reads at most the names in `<root>/lib/modules`. Every method returns a
 * promise and reports every failure through it: a TypeError for a wrong argument, else a
 * {@link KmodError}.
 */
export class Kmod {
  #opened: Kernel | undefined

  /** Throws a TypeError for a wrong option, and where `root` has several kernel releases. */
  constructor(options?: KmodOptions) {
    if (options !== undefined) this.#opened = verbs().openKernel(options)
  }

  /** A Kmod over a kernel that is there already: for tests, with a simulated one. @internal */
  static over(kernel: Kernel): Kmod {
    const kmod = new Kmod()
    kmod.#opened = kernel
    return kmod
  }

  get #kernel(): Kernel {
    this.#opened ??= verbs().openKernel()
    return this.#opened
  }

  /**
   * The loaded modules in the kernel's order: newest first. One true picture: no module that was
   * loaded all the time is missing, none is there twice.
   */
  async list(): Promise<LoadedModule[]> {
    return this.#kernel.table()
  }

  /** One loaded module; `undefined` where it is not loaded. */
  async find(name: string): Promise<LoadedModule | undefined> {
    return verbs().find(this.#kernel, name)
  }

  /**
   * The loaded modules that use this one. Rejects with ERR_KMOD_BUILTIN, ERR_KMOD_NOT_LOADED (the
   * index has it, or there is none) or ERR_KMOD_NOT_FOUND.
   */
  async holders(name: string): Promise<string[]> {
    return verbs().holders(this.#kernel, name)
  }

  /** Loaded (and in which state), built in, known but not loaded, or unknown. */
  async status(name: string): Promise<ModuleStatus> {
    return verbs().status(this.#kernel, name)
  }

  /** Is its status `live`? False for a built-in, and while it is being loaded. */
  async isLoaded(name: string): Promise<boolean> {
    return (await verbs().status(this.#kernel, name)) === 'live'
  }

  /** Is it compiled into the kernel? */
  async isBuiltin(name: string): Promise<boolean> {
    return (await verbs().status(this.#kernel, name)) === 'builtin'
  }

  /**
   * What a module's file says, by name (no alias) or by the file itself, which need not be installed.
   * Rejects with ERR_KMOD_NOT_FOUND or ERR_KMOD_FORMAT.
   */
  async info(what: string | { file: string }): Promise<ModuleInfo> {
    return verbs().info(this.#kernel, what)
  }

  /** The modules that a name or alias stands for, as `modprobe -R` answers; none: `[]`. */
  async resolve(nameOrAlias: string): Promise<string[]> {
    return verbs().resolve(this.#kernel, nameOrAlias)
  }

  /** May and can this process unload modules here, and if not, why not. */
  async preflight(): Promise<Preflight> {
    return verbs().preflight(this.#kernel)
  }

  /**
   * What an unload would do, as data, with nothing touched: every step in its order with its reason,
   * what blocks, what stays and why, what would stop working. Rejects only for wrong arguments and
   * where the kernel cannot be read.
   *
   * It is a simulation over one reading of the kernel's table, and needs neither module files nor an
   * index: those only add aliases, softdeps and commands.
   */
  async plan(names: string | readonly string[], options?: UnloadOptions): Promise<UnloadPlan> {
    return verbs().plan(this.#kernel, names, options)
  }

  /**
   * Takes modules out: plans, carries the plan out, verifies. Resolves only when no target is loaded
   * (already absent is success). Whatever it rejects with carries the `report` of what was done, and
   * the `plan`: the first blocker's code where the plan is infeasible (nothing is removed then),
   * ERR_KMOD_TIMEOUT, ERR_KMOD_HUNG, ERR_KMOD_ABORTED, ERR_KMOD_REAPPEARED, ERR_KMOD_CALLBACK,
   * ERR_KMOD_REMOVE_COMMAND, ERR_KMOD_PLAN_CHANGED and those of every change.
   *
   * A plan in place of names is made anew, and carried out only if it is still the same.
   */
  async unload(
    what: string | readonly string[] | UnloadPlan,
    options?: UnloadOptions,
  ): Promise<UnloadReport> {
    return verbs().unload(this.#kernel, what, options)
  }

  /**
   * Why a module is in use: what uses it (modules, mounts, processes, devices, interfaces, sockets ...),
   * each with the references that it is known to take and how it lets go; what could not be read; and
   * how many references nothing explains. Rejects with ERR_KMOD_NOT_FOUND for a name that nobody knows.
   */
  async explain(name: string): Promise<Usage> {
    return verbs().explain(this.#kernel, name)
  }

  /** What would stop working without these modules, also where their reference count is 0. */
  async impact(names: string | readonly string[]): Promise<Effect[]> {
    return verbs().impact(this.#kernel, names)
  }

  /**
   * Who takes and drops references to a module, live, from the kernel's own trace, whether the module
   * is loaded yet or not. It begins with this call, not with the first `next()`; what happens in the
   * tenths of a second until the kernel records is not seen.
   *
   * `break`, `return()` and `await using` end it, and are through when nothing of it is left in the
   * kernel. Only a pending `next()` keeps the process alive. The signal ends it with ERR_KMOD_ABORTED.
   * Whatever is wrong is thrown by the first `next()`: a TypeError, ERR_KMOD_PERMISSION (tracefs is
   * for root) or ERR_KMOD_UNSUPPORTED (no tracefs, no such events, a captured system).
   *
   * Who reads slowly loses the oldest events, not memory: there is room for some thousand.
   */
  trace(
    name: string,
    options?: TraceOptions,
  ): AsyncIterableIterator<ReferenceEvent> & AsyncDisposable {
    return verbs().trace(this.#kernel, name, options)
  }

  /**
   * rmmod: one delete_module(2), with no plan and no guard. Rejects with ERR_KMOD_HELD,
   * ERR_KMOD_IN_USE, ERR_KMOD_PERMANENT, ERR_KMOD_TRANSIENT, ERR_KMOD_BUILTIN, ERR_KMOD_NOT_LOADED,
   * ERR_KMOD_NOT_FOUND, ERR_KMOD_HUNG, ERR_KMOD_ABORTED and those of every change.
   *
   * Aborting in the middle rejects at once; the kernel goes on all the same.
   */
  async remove(name: string, options?: RemoveOptions): Promise<void> {
    return verbs().remove(this.#kernel, name, options)
  }

  /**
   * modprobe: puts a module in, with what it needs, as modprobe.d says. `{ file }` takes a .ko that
   * is not installed, after what its `depends` names. Rejects with ERR_KMOD_NOT_FOUND,
   * ERR_KMOD_ALREADY_LOADED, ERR_KMOD_LOAD, ERR_KMOD_FORMAT, ERR_KMOD_HUNG and those of every change.
   */
  async load(what: string | { file: string }, options?: LoadOptions): Promise<LoadReport> {
    return verbs().load(this.#kernel, what, options)
  }
}
