/** The options of plan and unload: their rules and their defaults. */
import {
  abortSignal,
  callback,
  checkOptions,
  duration,
  flag,
  effect,
  listOf,
  oneOf,
  releaseKind,
  timeLimit,
} from '../contract/options'
import type { AppliedPlanOptions, PlanOptions, UnloadOptions } from '../contract/types'

const planRules = {
  holders: oneOf('refuse', 'remove'),
  dependencies: oneOf('unused', 'keep'),
  softDependencies: flag,
  commands: oneOf('refuse', 'run', 'skip'),
  guard: oneOf('refuse', 'strict', 'off'),
  allow: listOf(effect),
  release: listOf(releaseKind),
  force: flag,
  mustBeLoaded: flag,
  allowUnknown: flag,
}

const PLAN_DEFAULTS: AppliedPlanOptions = {
  holders: 'refuse',
  dependencies: 'unused',
  softDependencies: true,
  commands: 'refuse',
  guard: 'refuse',
  allow: [],
  release: [],
  force: false,
  mustBeLoaded: false,
  allowUnknown: false,
}

/** The rules of every option of unload; reload has some more. */
export const unloadRules = {
  ...planRules,
  wait: duration,
  waitFor: listOf(oneOf('in-use', 'transient', 'held')),
  hungAfter: timeLimit,
  settle: duration,
  onFailure: oneOf('stop', 'restore'),
  signal: abortSignal,
  onStep: callback,
  onBlocked: callback,
}

/** Throws a TypeError for an option that unload does not have, or that has a wrong value. */
export function checkUnloadOptions(options: unknown): UnloadOptions {
  return checkOptions<UnloadOptions>(options, unloadRules)
}

/** Checks the `options` of a plan that the caller passes to unload(). */
export function checkPlanOptions(options: unknown): AppliedPlanOptions {
  return planOptions(checkOptions<PlanOptions>(options, planRules))
}

/** The options that affect the plan, with the defaults filled in. */
export function planOptions(options: UnloadOptions): AppliedPlanOptions {
  const filled: Record<string, unknown> = { ...PLAN_DEFAULTS }
  for (const name of Object.keys(PLAN_DEFAULTS) as (keyof PlanOptions)[]) {
    if (options[name] !== undefined) filled[name] = options[name]
  }
  // Copies: a caller who changes a list must not change other plans.
  return {
    ...(filled as unknown as AppliedPlanOptions),
    allow: [...(options.allow ?? [])],
    release: [...(options.release ?? [])],
  }
}
