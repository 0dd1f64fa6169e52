/** The options and results of `load` and `remove`, and the state of the kernel after a change. */

/** What happened to the kernel during a call, even if something other than the call caused it. */
export interface KernelHealth {
  /**
   * The taints of the kernel that were not set before the call: the kernel's names without `TAINT_`,
   * such as `WARN`, `FORCED_RMMOD`, `OOT_MODULE`.
   */
  newTaints: string[]
  /**
   * The messages in the kernel log since the call started, including those that processes wrote to it;
   * `null`: the log is not readable.
   */
  messages: string[] | null
  /**
   * `false`: there is a new taint (after a load, OOT_MODULE and UNSIGNED_MODULE do not count), or the
   * kernel itself logged a fault (WARNING, BUG, Oops, general protection fault, objects that remain in
   * a slab cache, a network device whose last reference the kernel waits for, UBSAN, KASAN, lockdep);
   * after an unload also: a module was loaded again. `null`: none of these was found, but the log was
   * not readable. Otherwise `true`.
   */
  clean: boolean | null
}

/** The values of module parameters. `true` and `false` become 1 and 0; the items of a list are joined by commas. */
export type ModuleParameters = Record<
  string,
  string | number | boolean | readonly (string | number)[]
>

/** Options of `load`. */
export interface LoadOptions {
  /**
   * Parameters for the module itself, added after those of modprobe.d. Where an alias stands for
   * several modules, `NAME.PARAMETER` is for one of them. If the module is loaded already, the call
   * rejects with ERR_KMOD_ALREADY_LOADED, because the parameters would have no effect. Default: none.
   */
  parameters?: ModuleParameters | undefined
  /** Reject with ERR_KMOD_ALREADY_LOADED if the module is loaded already. Default: false. */
  mustBeNew?: boolean | undefined
  /**
   * Milliseconds that the insertion of a module and its dependencies may take before the call rejects
   * with ERR_KMOD_HUNG. Default: 30,000; `Infinity`: no limit.
   */
  hungAfter?: number | undefined
  /** Rejects the call with ERR_KMOD_ABORTED. The kernel continues an insertion that has begun. */
  signal?: AbortSignal | undefined
}

/** What `load` did. */
export interface LoadReport extends KernelHealth {
  /** The module that the name or alias stands for; of several, the first that is loaded now. */
  module: string
  /** The modules that this call loaded, dependencies included, in the order of loading. */
  loaded: string[]
  /** The module was loaded, or built in, before the call. */
  alreadyLoaded: boolean
}

/** Options of `remove`. */
export interface RemoveOptions {
  /**
   * Remove the module although it has references or no exit function. A module that has holders, or is
   * being loaded or unloaded, is still refused. The kernel can crash. Default: false. Source: O_TRUNC
   * in delete_module(2).
   */
  force?: boolean | undefined
  /**
   * Milliseconds that the removal may spend inside the kernel before the call rejects with
   * ERR_KMOD_HUNG. Default: 30,000; `Infinity`: no limit.
   */
  hungAfter?: number | undefined
  /** Rejects the call with ERR_KMOD_ABORTED. The kernel continues a removal that has begun. */
  signal?: AbortSignal | undefined
}
