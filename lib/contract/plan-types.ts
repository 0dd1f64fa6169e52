/** What goes in and out of plan and unload. */
import type { KernelHealth, KmodErrorCode } from './base-types'
import type { Effect, User } from './usage-types'

/** What a plan may take along, and what it refuses. */
export interface PlanOptions {
  /**
   * Default `refuse`: a loaded module that uses a target blocks. `remove`: what uses the targets goes
   * too, all the way up.
   */
  holders?: 'refuse' | 'remove'
  /** Default `unused`: what only they used goes too, all the way down, where that is harmless. */
  dependencies?: 'unused' | 'keep'
  /** Default true: the softdeps of modprobe.d, post before and pre after, where that is harmless. */
  softDependencies?: boolean
  /**
   * Default `refuse`: a `remove` command of modprobe.d for a target or holder blocks. `run`: it is run
   * as modprobe does, by `/bin/sh -c`, with MODPROBE_MODULE set. `skip`: the module is removed without.
   */
  commands?: 'refuse' | 'run' | 'skip'
  /** Default `refuse`: a critical effect blocks. `strict`: a disruptive one too. `off`: none. */
  guard?: 'refuse' | 'strict' | 'off'
  /** Effects accepted beforehand, by kind or by kind and subject: `default-route:wlan0`. */
  allow?: readonly string[]
  /**
   * Default false. As the kernel means it: overrides references and permanent, of targets and of
   * holders that go; never holders, state or the guard. ERR_KMOD_UNSUPPORTED where the kernel is known
   * not to have it.
   */
  force?: boolean
  /** Default false: a target that is not loaded is `absent`. True: it is ERR_KMOD_NOT_LOADED. */
  mustBeLoaded?: boolean
  /** Default false. True: a name that nobody knows is `absent`. */
  allowUnknown?: boolean
}

/** Options of {@link Kmod.unload}; {@link Kmod.plan} ignores what only concerns the run. */
export interface UnloadOptions extends PlanOptions {
  /**
   * Milliseconds, default 0: one deadline for the whole call, for keeping on while a module is in use
   * or on its way in or out. Every other blocker rejects at once.
   */
  wait?: number
  /** Milliseconds of each removal inside the kernel before ERR_KMOD_HUNG; default 30,000. */
  hungAfter?: number
  /** Milliseconds, default 0: keep watching this long that what went stays gone. */
  settle?: number
  /** Default `stop`. `restore`: what this call removed is loaded again, newest first. */
  onFailure?: 'stop' | 'restore'
  /** Heard between steps and while waiting. */
  signal?: AbortSignal
  /** Told of each step's start, of waiting for it, and of its end. */
  onStep?: (event: UnloadEvent) => void
  /** Under `wait`: at the first block and at each change. Awaited; then it is tried at once. */
  onBlocked?: (blocker: Blocker, users: User[]) => void | Promise<void>
}

/** What {@link UnloadOptions.onStep} is told. */
export interface UnloadEvent {
  step: UnloadStep
  /** From 0, of `total`. */
  index: number
  total: number
  state: 'start' | 'waiting' | 'done'
  /** What is waited for. */
  blocker?: Blocker
}

/** Why a step is in the plan. */
export type StepReason = 'target' | 'holder' | 'dependency' | 'soft-dependency'

export type UnloadStep =
  | { action: 'remove'; module: string; reason: StepReason }
  /** A `remove` command of modprobe.d. */
  | { action: 'run'; module: string; reason: StepReason; command: string }

/** Why the plan cannot be carried out now. */
export type Blocker = { module: string; message: string } & (
  | { code: 'ERR_KMOD_HELD'; holders: string[] }
  | { code: 'ERR_KMOD_IN_USE'; references: number }
  | { code: 'ERR_KMOD_CRITICAL'; effect: Effect }
  | { code: 'ERR_KMOD_REMOVE_COMMAND'; command: string }
  /** `pid`: the process that is stuck in the kernel with it, after ERR_KMOD_HUNG. */
  | { code: 'ERR_KMOD_TRANSIENT'; pid?: number }
  | {
      code: 'ERR_KMOD_NOT_FOUND' | 'ERR_KMOD_NOT_LOADED' | 'ERR_KMOD_BUILTIN' | 'ERR_KMOD_PERMANENT'
    }
)

/** A dependency that stays. */
export interface Kept {
  module: string
  /**
   * - `held`: a module that stays uses it.
   * - `in-use`: something that is no module uses it.
   * - `effect`: something that runs would stop working.
   * - `permanent`, `transient`: it has no exit function; it is on its way in or out.
   * - `command`: modprobe.d has a `remove` command for it, which may not run.
   * - `configured`: modules-load.d or /etc/modules names it.
   * - `option`: an option says so.
   */
  reason:
    'held' | 'in-use' | 'effect' | 'permanent' | 'transient' | 'command' | 'configured' | 'option'
}

/** What an unload would do. Plain JSON. */
export interface UnloadPlan {
  /** What was asked for, after aliases were resolved. */
  targets: string[]
  /** Those of them that are not loaded. */
  absent: string[]
  /** In the order in which they run, once nothing blocks. */
  steps: UnloadStep[]
  /** None when feasible. First what no waiting cures, then held, in use, transient. */
  blockers: Blocker[]
  kept: Kept[]
  /** What would stop working. None with `guard: 'off'`, which does not look. */
  effects: Effect[]
  feasible: boolean
  /** What could not be looked at, and so may be missing above. */
  unreadable: string[]
  /** As applied, defaults filled in. */
  options: Required<PlanOptions>
}

/** What {@link Kmod.unload} did. Plain JSON. */
export interface UnloadReport extends KernelHealth {
  /** What this call removed, in order. */
  removed: string[]
  /** Was not loaded, or somebody else removed it in the middle (which is not restored). */
  absent: string[]
  /** The plan's, and dependencies that turned busy since. */
  kept: Kept[]
  /** Gone, then loaded again by somebody. */
  reappeared: string[]
  /** `duration` in milliseconds. */
  steps: { step: UnloadStep; attempts: number; duration: number }[]
  /** The step that failed: only in the report of an error. */
  failed: { step: UnloadStep; code: KmodErrorCode } | null
  /** With `onFailure: 'restore'`: what was loaded again. */
  restored: string[]
  notRestored: { module: string; message: string }[]
  /** Parameters that have another value than before, once restored. */
  parametersLost: { module: string; name: string; before: string; after: string | null }[]
}
