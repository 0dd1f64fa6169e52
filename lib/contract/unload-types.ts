/** The options and the result of `unload`. */
import type { KernelHealth } from './change-types'
import type { KmodErrorCode } from './error-codes'
import type { Blocker, Kept, PlanOptions, UnloadStep } from './plan-types'
import type { Effect, User } from './usage-types'

/** A kind of blocker that can disappear while a call waits. */
export type WaitedFor = 'in-use' | 'transient' | 'held'

/** Options of `unload`. `plan` accepts them too, and ignores those that concern only the run. */
export interface UnloadOptions extends PlanOptions {
  /**
   * Milliseconds, default 0: how long to keep trying while something that `waitFor` names blocks the
   * call. It is one deadline for the whole call; when it is reached, the call rejects with
   * ERR_KMOD_TIMEOUT. With 0, and for every other blocker, the call rejects at once with the code of the
   * blocker.
   */
  wait?: number | undefined
  /**
   * What the call waits for, for the time of `wait`: `in-use` (ERR_KMOD_IN_USE), `transient`
   * (ERR_KMOD_TRANSIENT, a module is being loaded or unloaded), `held` (ERR_KMOD_HELD, another module
   * uses it). Default: `in-use` and `transient`, because a holder seldom disappears by itself.
   */
  waitFor?: readonly WaitedFor[] | undefined
  /**
   * Milliseconds that each removal may spend inside the kernel before the call rejects with
   * ERR_KMOD_HUNG. Above 0, default 30,000; `Infinity`: no limit. A `remove` command that takes longer
   * is killed, and the call rejects with ERR_KMOD_REMOVE_COMMAND.
   */
  hungAfter?: number | undefined
  /**
   * Milliseconds, default 0: how long to check, after the last step, that the removed modules are not
   * loaded again. Even with 0 the call checks once.
   */
  settle?: number | undefined
  /**
   * What happens when the call fails. `stop`, the default: nothing more. `restore`: the modules that it
   * removed are loaded again, the last one first, with their parameters.
   */
  onFailure?: 'stop' | 'restore' | undefined
  /**
   * Rejects the call with ERR_KMOD_ABORTED before the next step, or while it waits. A removal that is
   * inside the kernel is awaited first; a `remove` command is killed.
   */
  signal?: AbortSignal | undefined
  /**
   * Called when a step starts, when it has to wait, and when it is done. If something started to use a
   * dependency after the plan was made, the dependency is kept, and the function is called for that
   * too. If it returns a promise, the call awaits the promise until `signal` aborts, and at most for
   * the time of `wait`; if `wait` is 0, there is no time limit.
   */
  onStep?: ((event: UnloadEvent) => void) | undefined
  /**
   * Called while the call waits (see `wait`): at the first blocker, and each time that the blocker
   * changes. The call awaits the returned promise, then tries again at once, so the callback can close
   * what uses the module. The callback may make other calls for the same modules. A promise that has
   * not settled when `wait` is over is abandoned, and the call rejects with ERR_KMOD_TIMEOUT.
   */
  onBlocked?: ((blocker: Blocker, users: User[]) => void | Promise<void>) | undefined
}

/** The argument of {@link UnloadOptions.onStep}. */
export interface UnloadEvent {
  step: UnloadStep
  /** The number of the step, from 0. */
  index: number
  /** The number of all steps, including those that are already done. */
  total: number
  /**
   * `kept`: the step ends, and its module stays, because the module is a dependency that something
   * started to use. A step that has to wait before the kernel is asked for the first time is `waiting`
   * before `start`.
   */
  state: 'start' | 'waiting' | 'done' | 'kept'
  /** What the step waits for; only when `state` is `waiting`. */
  blocker?: Blocker | undefined
}

/** What `unload` did. Plain JSON. */
export interface UnloadReport extends KernelHealth {
  /** The modules that this call removed, in order. */
  removed: string[]
  /** Modules that were not loaded, or that something else removed during the call. */
  absent: string[]
  /**
   * The dependencies that stayed: those that the plan kept, and those that something started to use
   * later.
   */
  kept: Kept[]
  /** Modules that were removed, and that something else loaded again. */
  reappeared: string[]
  /**
   * Every step that was started. `attempts`: how often the kernel was asked. `duration`: milliseconds
   * from the start of the step to its end, including the time of waiting.
   */
  steps: { step: UnloadStep; attempts: number; duration: number }[]
  /** The step that failed. Always null in the report of a call that succeeded. */
  failed: { step: UnloadStep; code: KmodErrorCode } | null
  /** The users that were released, in order. `undone`: the user was put back afterwards. */
  released: { user: User; command: string[]; undone: boolean }[]
  /** With `onFailure: 'restore'`: the modules that were loaded again, in order. */
  restored: string[]
  /**
   * With `onFailure: 'restore'`: what could not be put back, and why: a module that could not be loaded
   * again or, where `user` is present, a user that was released.
   */
  notRestored: { module: string; user?: User | undefined; message: string }[]
  /**
   * With `onFailure: 'restore'`: parameters of restored modules that have another value than before, or
   * whose value cannot be compared. `null`: the file of the module declares the parameter, and
   * /sys/module does not show it.
   */
  parametersLost: { module: string; name: string; before: string | null; after: string | null }[]
  /** What stopped working with the modules that were removed. */
  effects: Effect[]
}
