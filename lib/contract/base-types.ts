/** What several parts of the interface speak of: states, codes, the kernel's health. */

/**
 * - `live`, `loading`, `unloading`: the kernel has it.
 * - `builtin`: compiled into the kernel. The module index says so, or /sys/module/NAME is there
 *   without an `initstate` and /proc/modules lacks it.
 * - `unloaded`: the module index has it, the kernel does not.
 * - `unknown`: neither has it.
 */
export type ModuleStatus = 'live' | 'loading' | 'unloading' | 'builtin' | 'unloaded' | 'unknown'

/** Every code that an error of this package can have. */
export type KmodErrorCode =
  | 'ERR_KMOD_NOT_FOUND'
  | 'ERR_KMOD_NOT_LOADED'
  | 'ERR_KMOD_ALREADY_LOADED'
  | 'ERR_KMOD_BUILTIN'
  | 'ERR_KMOD_HELD'
  | 'ERR_KMOD_IN_USE'
  | 'ERR_KMOD_PERMANENT'
  | 'ERR_KMOD_TRANSIENT'
  | 'ERR_KMOD_CRITICAL'
  | 'ERR_KMOD_REMOVE_COMMAND'
  | 'ERR_KMOD_PLAN_CHANGED'
  | 'ERR_KMOD_TIMEOUT'
  | 'ERR_KMOD_HUNG'
  | 'ERR_KMOD_ABORTED'
  | 'ERR_KMOD_REAPPEARED'
  | 'ERR_KMOD_CALLBACK'
  | 'ERR_KMOD_PERMISSION'
  | 'ERR_KMOD_DISABLED'
  | 'ERR_KMOD_UNSUPPORTED'
  | 'ERR_KMOD_LIBRARY'
  | 'ERR_KMOD_FORMAT'
  | 'ERR_KMOD_LOAD'
  | 'ERR_KMOD_READ_ONLY'
  | 'ERR_KMOD_SYSTEM'

/** How the kernel fared while something was done to it. */
export interface KernelHealth {
  /**
   * Kernel taints that were not set before, by the kernel's names without `TAINT_`, such as `WARN`,
   * `FORCED_RMMOD`, `OOT_MODULE`. Like `messages` of the time window, whoever caused them.
   */
  newTaints: string[]
  /** The kernel log since the start; `null`: not readable. */
  messages: string[] | null
  /**
   * `false`: a new taint, or WARNING, BUG or Oops in `messages`; `null`: none of these seen, but the
   * log was not readable.
   */
  clean: boolean | null
}
