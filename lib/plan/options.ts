/** The options of plan and unload: what they may be, and what they are when nothing is said. */
import {
  abortSignal,
  callback,
  checkOptions,
  duration,
  flag,
  listOf,
  oneOf,
  type Rule,
} from '../contract/options'
import type { PlanOptions, UnloadOptions } from '../contract/types'

const effectName: Rule<string> = {
  expected: 'an effect, KIND or KIND:SUBJECT',
  accepts: (value): value is string => typeof value === 'string' && /^[a-z-]+(:.+)?$/s.test(value),
}

const planRules = {
  holders: oneOf('refuse', 'remove'),
  dependencies: oneOf('unused', 'keep'),
  softDependencies: flag,
  commands: oneOf('refuse', 'run', 'skip'),
  guard: oneOf('refuse', 'strict', 'off'),
  allow: listOf(effectName),
  force: flag,
  mustBeLoaded: flag,
  allowUnknown: flag,
}

const PLAN_DEFAULTS: Required<PlanOptions> = {
  holders: 'refuse',
  dependencies: 'unused',
  softDependencies: true,
  commands: 'refuse',
  guard: 'refuse',
  allow: [],
  force: false,
  mustBeLoaded: false,
  allowUnknown: false,
}

/** Throws a TypeError for what cannot be an option of unload. */
export function checkUnloadOptions(options: unknown): UnloadOptions {
  return checkOptions<UnloadOptions>(options, {
    ...planRules,
    wait: duration,
    hungAfter: duration,
    settle: duration,
    onFailure: oneOf('stop', 'restore'),
    signal: abortSignal,
    onStep: callback,
    onBlocked: callback,
  })
}

/** The options of a plan that comes from outside. */
export function checkPlanOptions(options: unknown): Required<PlanOptions> {
  return planOptions(checkOptions<PlanOptions>(options, planRules))
}

/** What concerns the plan, with the defaults filled in. */
export function planOptions(options: UnloadOptions): Required<PlanOptions> {
  const filled: Record<string, unknown> = { ...PLAN_DEFAULTS }
  for (const name of Object.keys(PLAN_DEFAULTS) as (keyof PlanOptions)[]) {
    if (options[name] !== undefined) filled[name] = options[name]
  }
  // A list of its own: whoever changes it changes no other plan.
  return { ...(filled as unknown as Required<PlanOptions>), allow: [...(options.allow ?? [])] }
}
