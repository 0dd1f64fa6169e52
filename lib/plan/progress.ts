/**
 * What a call has learned from its earlier plans and from carrying them out, and what its next plan
 * must take into account. A value: each function returns a new one.
 */
import type { Kept, StepReason } from '../contract/types'

export interface Progress {
  /**
   * The modules that the names of the call stand for; null before the first plan. A name is
   * resolved once: when its module is gone, the index may have another module by that alias.
   */
  readonly targets: readonly string[] | null
  /** Those of the targets that are valid: when one is not loaded any more, it is absent. */
  readonly accepted: ReadonlySet<string>
  /**
   * The dependencies and soft dependencies that the plans of the call have found, kept or not, with
   * the reason that a step would have. Their holders may be removed by now, so that the table alone
   * does not show that they belong to the call.
   */
  readonly dependencies: ReadonlyMap<string, StepReason>
  /** Dependencies that could not be removed and are not tried again. */
  readonly givenUp: ReadonlyMap<string, Kept['reason']>
  /** The modules that a given plan removes: the call removes no other. Null without a given plan. */
  readonly only: ReadonlySet<string> | null
}

export const NO_PROGRESS: Progress = {
  targets: null,
  accepted: new Set(),
  dependencies: new Map(),
  givenUp: new Map(),
  only: null,
}

/** After a dependency could not be removed, or was removed. */
export function withGivenUp(progress: Progress, module: string, reason: Kept['reason']): Progress {
  return { ...progress, givenUp: new Map([...progress.givenUp, [module, reason]]) }
}

/** When dependencies that could not be removed may be tried again. */
export function withoutGivenUp(progress: Progress, modules: readonly string[]): Progress {
  const givenUp = new Map(progress.givenUp)
  for (const module of modules) givenUp.delete(module)
  return { ...progress, givenUp }
}

/** When the call was given a plan, and it has been found to be true. */
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
