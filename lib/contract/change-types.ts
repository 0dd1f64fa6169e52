/** The options and results of `load` and `remove`, and the state of the kernel after a change. */

/** What happened to the kernel during a call, whatever caused it. */
export interface KernelHealth {
  /**
   * The taints of the kernel that were not set before the call: the kernel's names without `TAINT_`,
   * such as `WARN`, `FORCED_RMMOD`, `OOT_MODULE`.
   */
  newTaints: string[]
  /** What the kernel logged since the call started; `null`: the log is not readable. */
  messages: string[] | null
  /**
   * `false`: there is a new taint, or `messages` contain WARNING, BUG or Oops; after an unload also: a
   * module was loaded again. `null`: none of these was seen, but the log was not readable. Else `true`.
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
   * rejects with ERR_KMOD_ALREADY_LOADED: it could not pass them. Default: none.
   */
  parameters?: ModuleParameters | undefined
  /** Reject with ERR_KMOD_ALREADY_LOADED if the module is loaded already. Default: false. */
  mustBeNew?: boolean | undefined
  /**
   * Milliseconds that the insertion of a module and its dependencies may take before the call rejects
   * with ERR_KMOD_HUNG. Default: 30,000; `Infinity`: no limit.
   */
  hungAfter?: number | undefined
  /** Rejects the call with ERR_KMOD_ABORTED. An insertion that is inside the kernel continues there. */
  signal?: AbortSignal | undefined
}

/** What `load` did. */
export interface LoadReport extends KernelHealth {
  /** The module that the name or alias stands for; of several, the first. */
  module: string
  /** The modules that this call loaded, dependencies included, in the order of loading. */
  loaded: string[]
  /** The module was loaded, or built in, before the call. */
  alreadyLoaded: boolean
}

/** Options of `remove`. */
export interface RemoveOptions {
  /**
   * Remove the module although it has references or no exit function. Holders and the state of the
   * module still count. The kernel can crash. Default: false. Source: O_TRUNC in delete_module(2).
   */
  force?: boolean | undefined
  /**
   * Milliseconds that the removal may spend inside the kernel before the call rejects with
   * ERR_KMOD_HUNG. Default: 30,000; `Infinity`: no limit.
   */
  hungAfter?: number | undefined
  /** Rejects the call with ERR_KMOD_ABORTED. A removal that is inside the kernel continues there. */
  signal?: AbortSignal | undefined
}
