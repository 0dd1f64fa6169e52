/**
 * What a call has learned from its earlier plans and from carrying them out, and what its next plan
 * must take into account. A value: each function returns a new one.
 */
import type { Kept, StepReason, UnloadPlan } from '../contract/types'

export interface Progress {
  /**
   * The modules that the names of the call stand for; null before the first plan. A name is
   * resolved once: when its module is gone, the index may have another module by that alias.
   */
  readonly targets: readonly string[] | null
  /** Those of the targets that are valid: when one is not loaded any more, it is absent. */
  readonly accepted: ReadonlySet<string>
  /**
   * Dependencies that the plan still had to remove, by reason. Their holders may be removed by now,
   * so that the table alone does not show that they belong to the plan.
   */
  readonly remaining: ReadonlyMap<string, StepReason>
  /** Dependencies that could not be removed and are not tried again. */
  readonly givenUp: ReadonlyMap<string, Kept['reason']>
}

export const NO_PROGRESS: Progress = {
  targets: null,
  accepted: new Set(),
  remaining: new Map(),
  givenUp: new Map(),
}

/** After a plan was made. */
export function withTargets(
  progress: Progress,
  { targets, absent, steps }: Pick<UnloadPlan, 'targets' | 'absent' | 'steps'>,
): Progress {
  const loaded = steps.filter(({ reason }) => reason === 'target').map(({ module }) => module)
  return { ...progress, targets, accepted: new Set([...progress.accepted, ...absent, ...loaded]) }
}

/** After some steps of a plan were carried out; `steps` are the others. */
export function withRemaining(progress: Progress, { steps }: Pick<UnloadPlan, 'steps'>): Progress {
  const remaining = new Map<string, StepReason>()
  for (const { module, reason } of steps) {
    if (reason === 'dependency' || reason === 'soft-dependency') remaining.set(module, reason)
  }
  return { ...progress, remaining }
}

/** After a dependency could not be removed. */
export function withGivenUp(progress: Progress, module: string, reason: Kept['reason']): Progress {
  return { ...progress, givenUp: new Map([...progress.givenUp, [module, reason]]) }
}
