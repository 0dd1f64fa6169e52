/**
 * What a call has learned from its earlier plans and from their execution. Its next plan takes this into
 * account. A Progress is never modified: each function returns a new one.
 */
import type { Kept, StepReason } from '../contract/types'

export interface Progress {
  /**
   * The modules that the names of the call stand for; null before the first plan. Names are resolved
   * only once: after the module of an alias is removed, the alias could stand for other modules of the
   * index.
   */
  readonly targets: readonly string[] | null
  /**
   * The targets that earlier plans found valid. If one of them is not loaded any more, it is reported as
   * absent and not as a wrong name.
   */
  readonly accepted: ReadonlySet<string>
  /**
   * The dependencies and soft dependencies that the plans of the call have found, whether they were
   * removed or kept, with the `reason` that their step has. They must be remembered: after the call has
   * removed their holders, the table does not show that they were dependencies.
   */
  readonly dependencies: ReadonlyMap<string, StepReason>
  /** Dependencies that the next plan must keep, with the reason. */
  readonly givenUp: ReadonlyMap<string, Kept['reason']>
  /**
   * If the caller passed a plan to unload(), the modules that this plan removes: the call removes no
   * others. Otherwise null.
   */
  readonly only: ReadonlySet<string> | null
  /**
   * Dependencies that the call may remove also with `dependencies: 'keep'`: a scope has loaded them
   * itself.
   */
  readonly own: ReadonlySet<string>
}

export const NO_PROGRESS: Progress = {
  targets: null,
  accepted: new Set(),
  dependencies: new Map(),
  givenUp: new Map(),
  only: null,
  own: new Set(),
}

/**
 * Used after a dependency could not be removed, and after it was removed: if it is loaded again,
 * something else needs it.
 */
export function withGivenUp(progress: Progress, module: string, reason: Kept['reason']): Progress {
  return { ...progress, givenUp: new Map([...progress.givenUp, [module, reason]]) }
}

/** Allows the next plan to remove these dependencies. */
export function withoutGivenUp(progress: Progress, modules: readonly string[]): Progress {
  const givenUp = new Map(progress.givenUp)
  for (const module of modules) givenUp.delete(module)
  return { ...progress, givenUp }
}

/** For a scope: dependencies that it has loaded. */
export function withOwn(progress: Progress, modules: readonly string[]): Progress {
  const dependencies = modules.map((module): [string, StepReason] => [module, 'dependency'])
  return { ...progress, dependencies: new Map(dependencies), own: new Set(modules) }
}

/** Used if the caller passed a plan, after the check that the plan is still correct. */
export function limitedTo(
  progress: Progress,
  { steps, kept }: { steps: readonly { module: string }[]; kept: readonly Kept[] },
): Progress {
  return {
    ...progress,
    only: new Set(steps.map(({ module }) => module)),
    givenUp: new Map(kept.map(({ module, reason }) => [module, reason])),
  }
}
