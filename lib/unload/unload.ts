/** ... -> plan -> guard -> execute -> verify -> report */
import { callsOn } from '../change/calls'
import { refuseReadOnly } from '../change/change'
import { HealthWatch } from '../change/health'
import { queuedBlocker, timeoutError } from '../change/refusals'
import { throwIfAborted, waitFor } from '../change/waiting'
import { isKmodError } from '../contract/errors'
import { checkTargets } from '../contract/names'
import type { UnloadPlan, UnloadReport } from '../contract/types'
import type { Kernel } from '../kernel/kernel'
import { checkUnloadOptions, planOptions } from '../plan/options'
import { makePlan } from '../plan/plan'
import { NO_PROGRESS, withTargets, type Progress } from '../plan/progress'
import type { Call } from './call'
import { Draft } from './draft'
import { Execution } from './execution'
import { checkGivenPlan, isPlan, refuseChanges, type GivenPlan } from './given-plan'
import { Polling } from './polling'
import { Restorer } from './restore'
import { verify } from './verify'

/** Removes modules as {@link plan} says. */
export async function unload(
  kernel: Kernel,
  what: unknown,
  rawOptions?: unknown,
): Promise<UnloadReport> {
  const options = checkUnloadOptions(rawOptions)
  const given = isPlan(what) ? checkGivenPlan(what, options) : null
  const names = given?.targets ?? checkTargets(what)
  refuseReadOnly(kernel)
  const draft = new Draft(kernel.clock)
  const call: Call = {
    kernel,
    names,
    planOptions: given?.options ?? planOptions(options),
    options,
    place: callsOn(kernel).queue.enter(),
    polling: new Polling(kernel, options.wait ?? 0, options.signal),
    draft,
    restorer:
      options.onFailure === 'restore' ? new Restorer(kernel, draft, options.hungAfter) : null,
  }
  try {
    const planning = planInTurn(call)
    planning.catch(() => undefined) // awaited in execute(), perhaps after it has rejected
    const health = await HealthWatch.begin(kernel)
    return await execute(call, planning, given, health)
  } finally {
    call.polling.end()
    call.place.leave()
  }
}

interface Planned {
  plan: UnloadPlan
  progress: Progress
}

/** Plans, if necessary again, until no earlier call is at work on the modules of the plan. */
async function planInTurn(call: Call): Promise<Planned> {
  const { kernel, names, options, place } = call
  let progress = NO_PROGRESS
  throwIfAborted(options.signal, 'The unload')
  for (;;) {
    const plan = await makePlan(kernel, names, call.planOptions, progress)
    throwIfAborted(options.signal, 'The unload')
    progress = withTargets(progress, plan)
    const turn = place.claim([...plan.targets, ...plan.steps.map(({ module }) => module)])
    if (turn === null) return { plan, progress }
    await waitForTurn(call, turn, plan)
  }
}

/** The time in the queue counts against `wait`. */
async function waitForTurn(
  { kernel, polling, options: { signal } }: Call,
  turn: Promise<void>,
  plan: UnloadPlan,
): Promise<void> {
  const timeout = polling.timeout === 0 ? Infinity : polling.remaining
  const wait = await waitFor(kernel.clock, turn, { timeout, signal })
  throwIfAborted(signal, 'The unload')
  if (wait.ended !== 'timeout') return
  throw timeoutError(polling.timeout, queuedBlocker(plan.targets[0]!), { users: [], plan })
}

/** Every error that it rejects with has the report. */
async function execute(
  call: Call,
  planning: Promise<Planned>,
  given: GivenPlan | null,
  health: HealthWatch,
): Promise<UnloadReport> {
  const { draft } = call
  let execution: Execution | undefined
  try {
    const { plan, progress } = await planning
    if (given !== null) refuseChanges(given, plan)
    execution = new Execution(call, plan, progress)
    await execution.run()
    await verify(call, plan.targets)
    return draft.finish(await health.finish())
  } catch (error) {
    if (isKmodError(error)) draft.fail(error.code)
    await call.restorer?.restore()
    const report = draft.finish(await health.finish())
    if (!isKmodError(error)) throw error
    const plan = error.plan ?? execution?.plan
    throw Object.assign(error, { ...(plan && { plan }), report })
  }
}
