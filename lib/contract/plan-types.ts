/** The options and the result of `plan`. */
import type { Effect, EffectKind, ReleaseKind, User } from './usage-types'

/** Which modules a plan may remove besides the targets, and what it refuses. */
export interface PlanOptions {
  /**
   * Loaded modules that use a target. `refuse`, the default: they block the plan with ERR_KMOD_HELD.
   * `remove`: they are removed first, and their holders before them.
   */
  holders?: 'refuse' | 'remove' | undefined
  /**
   * Modules that the targets use. `unused`, the default: a dependency is removed if nothing else needs
   * it and its removal does no harm ({@link Kept} lists the reasons to keep it). `keep`: none is removed.
   */
  dependencies?: 'unused' | 'keep' | undefined
  /**
   * Whether the soft dependencies in modprobe.d are removed too, under the same condition as
   * dependencies: `post` before the module and `pre` after it. Default: true.
   */
  softDependencies?: boolean | undefined
  /**
   * A `remove` command of modprobe.d for a target or a holder. `refuse`, the default: it blocks the plan
   * with ERR_KMOD_REMOVE_COMMAND. `run`: it runs instead of the removal, as in modprobe, with `/bin/sh -c`
   * and MODPROBE_MODULE set. `skip`: the module is removed without the command.
   */
  commands?: 'refuse' | 'run' | 'skip' | undefined
  /**
   * What is refused because something would stop working. `refuse`, the default: a critical effect
   * blocks the plan with ERR_KMOD_CRITICAL. `strict`: a disruptive effect too. `off`: nothing.
   */
  guard?: 'refuse' | 'strict' | 'off' | undefined
  /**
   * Effects that the guard accepts, as `KIND` or `KIND:SUBJECT`: `interface`, `default-route:wlan0`.
   * Default: none.
   */
  allow?: readonly (EffectKind | `${EffectKind}:${string}`)[] | undefined
  /**
   * The kinds of users that are released before the modules are removed: see {@link ReleaseKind}. Only
   * users that hold a reference, or whose effect would block the plan, are released. Default: none.
   */
  release?: readonly ReleaseKind[] | undefined
  /**
   * Remove targets and holders although they have references or no exit function. The plan is still
   * blocked by a holder that stays, by a module that is being loaded or unloaded, and by the guard.
   * The kernel can crash. Rejects with ERR_KMOD_UNSUPPORTED if the kernel is known not to support
   * this. Default: false. Source: O_TRUNC in delete_module(2).
   */
  force?: boolean | undefined
  /**
   * What happens if a target is not loaded. `false`, the default: the plan lists it in `absent`.
   * `true`: it blocks the plan with ERR_KMOD_NOT_LOADED.
   */
  mustBeLoaded?: boolean | undefined
  /**
   * What happens if a name is unknown. `false`, the default: it blocks the plan with
   * ERR_KMOD_NOT_FOUND. `true`: the plan lists it in `absent`.
   */
  allowUnknown?: boolean | undefined
}

/**
 * The options of a plan with the defaults filled in: none is absent. (`Required` does not do this for
 * programs that are compiled with exactOptionalPropertyTypes.)
 */
export type AppliedPlanOptions = {
  [Name in keyof PlanOptions]-?: NonNullable<PlanOptions[Name]>
}

/**
 * Why a step is in the plan: the module was asked for (`target`), uses a target (`holder`), is used by
 * removed modules only (`dependency`), or is a soft dependency of a target or holder. `user`: something
 * that uses the module is released.
 */
export type StepReason = 'target' | 'holder' | 'dependency' | 'soft-dependency' | 'user'

/** One step of a plan. */
export type UnloadStep =
  /** The kernel removes the module. */
  | {
      action: 'remove'
      module: string
      reason: StepReason
      /**
       * The number of unexplained references of the module. Present only if the same plan removes
       * holders of the module, or releases a user whose number of references is not known, because the
       * references may belong to them. If some remain after that, a target or holder is blocked with
       * ERR_KMOD_IN_USE, and a dependency is kept.
       */
      undecided?: number | undefined
    }
  /** `/bin/sh` runs the `remove` command of modprobe.d, whose text is `shell`. */
  | { action: 'run'; module: string; reason: StepReason; shell: string }
  /**
   * A user releases the module. `command`: the argv that does it, without a shell, its program looked up
   * in /usr/sbin:/usr/bin:/sbin:/bin. `undo`: the argv that puts the user back; `null`: there is none.
   */
  | {
      action: 'release'
      module: string
      reason: 'user'
      user: User
      command: string[]
      undo: string[] | null
    }
  /** Only in a reload: the module is loaded again. `file`: the given file; `null`: by its name. */
  | { action: 'load'; module: string; reason: StepReason; file: string | null }

/** Why a plan cannot be carried out now. The message names the module and says what to do. */
export type Blocker = { module: string; message: string } & (
  | { code: 'ERR_KMOD_HELD'; holders: string[] }
  /** `references`: those that are not held by modules; `users`: what is known to hold them. */
  | { code: 'ERR_KMOD_IN_USE'; references: number; users: User[] }
  | { code: 'ERR_KMOD_CRITICAL'; effect: Effect }
  /** `shell`: the command, as modprobe.d has it. */
  | { code: 'ERR_KMOD_REMOVE_COMMAND'; shell: string }
  /**
   * `pid`: after ERR_KMOD_HUNG, the process in which the change of this module is stuck in the kernel.
   */
  | { code: 'ERR_KMOD_TRANSIENT'; pid?: number | undefined }
  | {
      code: 'ERR_KMOD_NOT_FOUND' | 'ERR_KMOD_NOT_LOADED' | 'ERR_KMOD_BUILTIN' | 'ERR_KMOD_PERMANENT'
    }
)

/** A dependency or soft dependency that is not removed. */
export interface Kept {
  module: string
  /**
   * - `held`: a module that stays uses it.
   * - `in-use`: it has references that are not held by modules.
   * - `effect`: something that runs would stop working.
   * - `device`: it drives a device that is present.
   * - `permanent`: it has no exit function.
   * - `transient`: it is being loaded or unloaded.
   * - `command`: modprobe.d has a `remove` command for it, which the options do not allow.
   * - `configured`: modules-load.d, /etc/modules or `modules-load=` on the kernel command line names it.
   * - `option`: an option of the plan keeps it.
   */
  reason:
    | 'held'
    | 'in-use'
    | 'effect'
    | 'device'
    | 'permanent'
    | 'transient'
    | 'command'
    | 'configured'
    | 'option'
}

/** What an unload would do. Plain JSON. */
export interface UnloadPlan {
  /** The modules that were asked for. An alias is replaced by the modules that it stands for. */
  targets: string[]
  /** The targets that are not loaded. */
  absent: string[]
  /** In the order in which they run. If the plan is not feasible: what would run if nothing blocked. */
  steps: UnloadStep[]
  /**
   * Empty if the plan is feasible. First the blockers that waiting cannot remove; then ERR_KMOD_HELD,
   * ERR_KMOD_IN_USE and ERR_KMOD_TRANSIENT.
   */
  blockers: Blocker[]
  kept: Kept[]
  /** What would stop working. Empty with `guard: 'off'`, because the plan does not determine it then. */
  effects: Effect[]
  /** Nothing blocks the plan. */
  feasible: boolean
  /** What could not be read, so that the lists above may be incomplete. */
  unreadable: string[]
  /** The options of the plan, with the defaults filled in. */
  options: AppliedPlanOptions
}
