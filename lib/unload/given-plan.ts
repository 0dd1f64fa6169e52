/** A plan that comes from the caller, perhaps out of JSON: it is compared, never carried out itself. */
import { invalidType, invalidValue, KmodError } from '../contract/errors'
import { checkPlanOptions } from '../plan/options'
import { checkTargets } from '../contract/names'
import type { PlanOptions, UnloadOptions, UnloadPlan } from '../contract/types'

export interface GivenPlan {
  targets: string[]
  options: Required<PlanOptions>
  /** What it would do, to compare. */
  gist: string
}

export function isPlan(what: unknown): what is object {
  return typeof what === 'object' && what !== null && !Array.isArray(what)
}

/** Throws a TypeError for what is no plan, and for options that contradict it. */
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
  return { targets: checkTargets(targets), options: planned, gist: gist(what as UnloadPlan) }
}

export function refuseChanged({ gist: before }: GivenPlan, plan: UnloadPlan): void {
  if (gist(plan) === before) return
  throw new KmodError(
    'ERR_KMOD_PLAN_CHANGED',
    'The plan is no longer what would happen: the system has changed since. Look at the new one, ' +
      'which this error carries, and unload with that. Nothing was touched.',
    { plan },
  )
}

/**
 * Steps, blockers (not their figures, which come and go), and the set of effects by kind and subject.
 */
function gist({ steps, blockers, effects }: UnloadPlan): string {
  const pick = (value: unknown, ...keys: string[]): unknown[] =>
    keys.map((key) => {
      const field = (value as Record<string, unknown> | null)?.[key]
      return typeof field === 'string' ? field : null
    })
  const subjects = effects.map((effect) => JSON.stringify(pick(effect, 'kind', 'subject')))
  return JSON.stringify([
    steps.map((step) => pick(step, 'action', 'module', 'reason', 'command')),
    blockers.map((blocker) => pick(blocker, 'code', 'module', 'command')),
    [...new Set(subjects)].sort(),
  ])
}
