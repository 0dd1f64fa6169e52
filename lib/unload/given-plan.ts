/**
 * A plan that the caller gives, perhaps out of JSON. It is never carried out itself: its targets
 * are planned again, and the new plan must be the same.
 */
import { invalidType, invalidValue, KmodError } from '../contract/errors'
import { checkPlanOptions } from '../plan/options'
import { checkTargets } from '../contract/names'
import type { AppliedPlanOptions, UnloadOptions, UnloadPlan } from '../contract/types'

export interface GivenPlan {
  targets: string[]
  options: AppliedPlanOptions
  /** What it would do, as text to compare. */
  fingerprint: string
}

export function isPlan(what: unknown): what is object {
  return typeof what === 'object' && what !== null && !Array.isArray(what)
}

/** Throws a TypeError for what is not a plan, and for options that contradict it. */
export function checkGivenPlan(what: object, options: UnloadOptions): GivenPlan {
  const { targets, steps, blockers, effects, options: own } = what as Partial<UnloadPlan>
  if (![targets, steps, blockers, effects].every(Array.isArray) || typeof own !== 'object') {
    throw invalidType('what', 'a string, an array of strings or an UnloadPlan', what)
  }
  const planned = checkPlanOptions(own)
  for (const [name, value] of Object.entries(planned)) {
    const given = options[name as keyof UnloadOptions]
    if (given === undefined || JSON.stringify(given) === JSON.stringify(value)) continue
    throw invalidValue(
      `options.${name}`,
      "absent or the plan's own, because a plan is given",
      given,
    )
  }
  return {
    targets: checkTargets(targets),
    options: planned,
    fingerprint: fingerprint(what as UnloadPlan),
  }
}

/** Throws ERR_KMOD_PLAN_CHANGED if the new plan would do something else. */
export function refuseChanges(given: GivenPlan, plan: UnloadPlan): void {
  if (fingerprint(plan) === given.fingerprint) return
  throw new KmodError(
    'ERR_KMOD_PLAN_CHANGED',
    'The system has changed since the plan was made, and unloading would not do the same any more. Nothing was ' +
      'changed. Check the new plan, which is the `plan` of this error, and unload with that.',
    { plan, changes: [] },
  )
}

/**
 * Steps, blockers, and the set of effects by kind and subject. The figures of a blocker do not
 * count: they change all the time.
 */
function fingerprint({ steps, blockers, effects }: UnloadPlan): string {
  const pick = (value: unknown, ...keys: string[]): unknown[] =>
    keys.map((key) => {
      const field = (value as Record<string, unknown> | null)?.[key]
      return typeof field === 'string' ? field : null
    })
  const subjects = effects.map((effect) => JSON.stringify(pick(effect, 'kind', 'subject')))
  return JSON.stringify([
    steps.map((step) => pick(step, 'action', 'module', 'reason', 'shell')),
    blockers.map((blocker) => pick(blocker, 'code', 'module', 'shell')),
    [...new Set(subjects)].sort(),
  ])
}
