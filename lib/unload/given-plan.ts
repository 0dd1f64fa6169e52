/**
 * A plan that the caller gives, perhaps read from JSON. It is never carried out itself: its targets
 * are planned again, and the new plan must be the same.
 */
import { invalidType, invalidValue, KmodError } from '../contract/errors'
import { checkTargets } from '../contract/names'
import type { AppliedPlanOptions, UnloadOptions, UnloadPlan } from '../contract/types'
import { checkPlanOptions } from '../plan/options'
import { outlineOf, planChanges, type PlanOutline } from './plan-changes'

export interface GivenPlan {
  targets: string[]
  options: AppliedPlanOptions
  /** To compare with the new plan. */
  outline: PlanOutline
}

export function isPlan(what: unknown): what is object {
  return typeof what === 'object' && what !== null && !Array.isArray(what)
}

/** Throws a TypeError if `what` is not a plan, or if the options contradict it. */
export function checkGivenPlan(what: object, options: UnloadOptions): GivenPlan {
  const { targets, steps, blockers, effects, options: own } = what as UnloadPlan
  if (
    !Array.isArray(targets) ||
    ![steps, blockers, effects].every(isListOfObjects) ||
    typeof own !== 'object'
  ) {
    throw invalidType('what', 'a string, an array of strings or an UnloadPlan', what)
  }
  const planned = checkPlanOptions(own)
  for (const [name, value] of Object.entries(planned)) {
    const given = options[name as keyof UnloadOptions]
    if (JSON.stringify(given) === JSON.stringify(value)) continue
    if (given !== undefined) {
      throw invalidValue(`options.${name}`, 'absent or equal to that of the given plan', given)
    }
    if (permitsMore(name as keyof AppliedPlanOptions, planned)) {
      throw invalidValue(
        `options.${name}`,
        `${JSON.stringify(value)}, as in the given plan: an option that permits more than the default must be repeated in the call`,
        given,
      )
    }
  }
  return {
    targets: checkTargets(targets),
    options: planned,
    outline: outlineOf(what as UnloadPlan),
  }
}

function isListOfObjects(value: unknown): boolean {
  return Array.isArray(value) && value.every((one) => typeof one === 'object' && one !== null)
}

/**
 * Whether the option lets the call remove or run something that a call without options would not. A
 * plan that was read from JSON can be forged, so the caller must give such an option too.
 */
function permitsMore(name: keyof AppliedPlanOptions, options: AppliedPlanOptions): boolean {
  switch (name) {
    case 'guard':
      return options.guard === 'off'
    case 'force':
      return options.force
    case 'allow':
      return options.allow.length > 0
    case 'release':
      return options.release.length > 0
    case 'holders':
      return options.holders === 'remove'
    case 'commands':
      return options.commands !== 'refuse'
    default:
      return false
  }
}

/** Throws ERR_KMOD_PLAN_CHANGED if the new plan would do something else. */
export function refuseChanges({ outline }: GivenPlan, plan: UnloadPlan): void {
  const changes = planChanges(outline, outlineOf(plan))
  if (changes.length === 0) return
  throw new KmodError(
    'ERR_KMOD_PLAN_CHANGED',
    `The given plan differs from what an unload would do now. Nothing was removed. ${changes.join(' ')} ` +
      'The new plan is the `plan` of this error: check it, then unload with it.',
    { plan, changes },
  )
}
