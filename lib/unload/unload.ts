/** The verb unload: plan -> guard -> execute -> verify -> report. */
import { callsOn } from '../change/calls'
import { DEFAULT_HUNG_AFTER, refuseReadOnly } from '../change/change'
import { HealthWatch } from '../change/health'
import { throwIfAborted } from '../change/waiting'
import { isKmodError } from '../contract/errors'
import { checkTargets } from '../contract/names'
import type { AppliedPlanOptions, UnloadOptions, UnloadPlan, UnloadReport } from '../contract/types'
import type { Kernel } from '../kernel/kernel'
import { checkUnloadOptions, planOptions } from '../plan/options'
import { makePlan, type Planned } from '../plan/plan'
import { limitedTo, NO_PROGRESS, type Progress } from '../plan/progress'
import { UserReader } from '../plan/users'
import { Undoer } from '../release/undo'
import type { Call } from './call'
import { Callbacks } from './callbacks'
import { Draft } from './draft'
import { Execution } from './execution'
import { checkGivenPlan, isPlan, refuseChanges, type GivenPlan } from './given-plan'
import { Polling } from './polling'
import { Restorer } from './restore'
import { removes } from './step-key'
import { takeTurn } from './turn'
import { verify } from './verify'

/** Removes modules as {@link plan} says. */
export async function unload(
  kernel: Kernel,
  what: unknown,
  rawOptions?: unknown,
): Promise<UnloadReport> {
  const options = checkUnloadOptions(rawOptions)
  const given = isPlan(what) ? checkGivenPlan(what, options) : null
  return carryOut(kernel, {
    names: given?.targets ?? checkTargets(what),
    options,
    planOptions: given?.options ?? planOptions(options),
    given,
  })
}

/** What happens in the same call after an unload: a reload loads the modules again. */
export interface Sequel {
  /** Called before anything is touched. What it rejects with ends the call. */
  prepare(plan: UnloadPlan): Promise<void>
  /** If it rejects, what was removed is loaded again, whatever `onFailure` says. */
  run(execution: { plan: UnloadPlan; stepsDone: number; health: HealthWatch }): Promise<void>
}

export interface UnloadRequest {
  names: readonly string[]
  options: UnloadOptions
  planOptions: AppliedPlanOptions
  given?: GivenPlan | null
  /** What the first plan takes into account. */
  progress?: Progress
  /** The files of the targets are not those from which they were loaded, or have changed since. */
  sequel?: (call: Call) => Sequel
}

export async function carryOut(kernel: Kernel, request: UnloadRequest): Promise<UnloadReport> {
  refuseReadOnly(kernel)
  const { names, options, planOptions, sequel: makeSequel } = request
  const { onFailure, hungAfter = DEFAULT_HUNG_AFTER } = options
  const draft = new Draft(kernel.clock)
  const place = callsOn(kernel).queue.enter()
  const polling = new Polling(kernel, options.wait ?? 0, options.signal)
  const isReload = makeSequel !== undefined
  const call: Call = {
    kernel,
    names,
    planOptions,
    options,
    place,
    polling,
    draft,
    callbacks: new Callbacks({ kernel, place, polling, options }),
    restorer:
      isReload || onFailure === 'restore'
        ? new Restorer(kernel, draft, { hungAfter, isReload })
        : null,
    undoer: new Undoer(kernel, draft, hungAfter),
  }
  try {
    const users = new UserReader(kernel)
    const planning = planInTurn(call, users, request.progress ?? NO_PROGRESS)
    planning.catch(() => undefined) // awaited in execute(), perhaps after it has rejected
    const health = await HealthWatch.begin(kernel, { isLoading: isReload })
    const prepared = { planning, users, given: request.given ?? null, health }
    return await execute(call, prepared, makeSequel?.(call))
  } finally {
    call.polling.end()
    call.place.leave()
  }
}

/** Plans, if necessary again, until no other call works on the modules of the plan. */
async function planInTurn(call: Call, users: UserReader, first: Progress): Promise<Planned> {
  const { kernel, names, options } = call
  let progress = first
  throwIfAborted(options.signal, 'The unload')
  for (;;) {
    const planned = await makePlan(kernel, names, call.planOptions, progress, users)
    throwIfAborted(options.signal, 'The unload')
    progress = planned.progress
    if (await takeTurn(call, planned.plan)) return planned
  }
}

interface Prepared {
  planning: Promise<Planned>
  users: UserReader
  given: GivenPlan | null
  health: HealthWatch
}

/** Every KmodError that it rejects with has the report. */
async function execute(
  call: Call,
  { planning, users, given, health }: Prepared,
  sequel: Sequel | undefined,
): Promise<UnloadReport> {
  const { draft, options, undoer } = call
  let execution: Execution | undefined
  let mustRestore = options.onFailure === 'restore'
  try {
    const { plan, progress } = await planning
    if (given !== null) refuseChanges(given, plan)
    if (plan.feasible) await sequel?.prepare(plan)
    const planned = {
      plan,
      progress:
        given === null
          ? progress
          : limitedTo(progress, { ...plan, steps: plan.steps.filter(removes) }),
    }
    execution = new Execution(call, planned, users)
    await execution.run()
    if (sequel === undefined) {
      await verify(call, plan.targets)
    } else {
      mustRestore = true
      await sequel.run({ plan, stepsDone: execution.stepsDone, health })
      await undoer.undo()
    }
    return draft.finish(await health.finish())
  } catch (error) {
    if (isKmodError(error)) draft.fail(error)
    if (mustRestore) await restore(call)
    const report = draft.finish(await health.finish())
    if (!isKmodError(error)) throw error
    const plan = error.plan ?? execution?.plan
    throw Object.assign(error, { ...(plan && { plan }), report })
  }
}

/** Users are put back after the modules that they use. */
async function restore({ restorer, undoer, place, draft }: Call): Promise<void> {
  await place.regain(draft.removed)
  await restorer?.restore()
  await undoer.undo()
}
