/** The options and results of `watch` and of the class IdleReaper. */
import type { Blocker } from './plan-types'

/** Options of `watch`. */
export interface WatchOptions {
  /** Only events of these modules: exact names, with `-` or `_`. Default: all modules. */
  modules?: string | readonly string[] | undefined
  /** Ends the watch: the pending or the next call of `next()` rejects with ERR_KMOD_ABORTED. */
  signal?: AbortSignal | undefined
}

/** A module was loaded or unloaded. */
export type ModuleEvent = {
  /**
   * The number that the kernel gives to the event (SEQNUM of the uevent). The numbers of a watch never
   * fall; other events of the kernel have numbers too, so they have gaps. An `overrun` has the number of
   * the event before it, 0 if there was none.
   */
  sequence: number
  /** When this process received the event. */
  at: Date
} & (
  | { action: 'load' | 'unload'; module: string }
  /** The reader was too slow, and the kernel dropped events. */
  | { action: 'overrun'; module: null }
)

/** Why a pass of an IdleReaper left a module alone. */
export interface Spared {
  module: string
  /**
   * - `kept`: the option `keep` names it.
   * - `in-use`: it has references that are not held by modules, something uses it, or it is being loaded
   *   or unloaded.
   * - `held`: another module uses it.
   * - `used-since`: something used it since the last pass.
   * - `effect`: something that runs would stop working.
   * - `device`: it drives a device that is present.
   * - `configured`: modules-load.d, /etc/modules or `modules-load=` names it.
   * - `permanent`: it has no exit function.
   * - `command`: modprobe.d has a `remove` command for it.
   */
  reason:
    | 'kept'
    | 'in-use'
    | 'held'
    | 'used-since'
    | 'effect'
    | 'device'
    | 'configured'
    | 'permanent'
    | 'command'
}

/** What one pass of an IdleReaper did. Plain JSON. */
export interface ReapReport {
  /** The modules that are idle, and that are removed at the next pass if they stay idle. */
  tagged: string[]
  spared: Spared[]
  /** The modules that were removed; with `dryRun`, those that would have been. */
  removed: string[]
  /** Why modules that were idle could not be removed. */
  blocked: Blocker[]
}
