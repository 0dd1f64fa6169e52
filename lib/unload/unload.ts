/** The verb unload: plan -> guard -> execute -> verify -> report. */
import { callsOn } from '../change/calls'
import { refuseReadOnly } from '../change/change'
import { HealthWatch } from '../change/health'
import { throwIfAborted } from '../change/waiting'
import { isKmodError } from '../contract/errors'
import { checkTargets } from '../contract/names'
import type { UnloadReport } from '../contract/types'
import type { Kernel } from '../kernel/kernel'
import { checkUnloadOptions, planOptions } from '../plan/options'
import { makePlan, type Planned } from '../plan/plan'
import { limitedTo, NO_PROGRESS } from '../plan/progress'
import { UserReader } from '../plan/users'
import type { Call } from './call'
import { Draft } from './draft'
import { Execution } from './execution'
import { checkGivenPlan, isPlan, refuseChanges, type GivenPlan } from './given-plan'
import { Polling } from './polling'
import { Restorer } from './restore'
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
  const names = given?.targets ?? checkTargets(what)
  refuseReadOnly(kernel)
  const draft = new Draft(kernel.clock)
  const call: Call = {
    kernel,
    asking: kernel.hearing(options.signal),
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
    const users = new UserReader(call.asking)
    const planning = planInTurn(call, users)
    planning.catch(() => undefined) // awaited in execute(), perhaps after it has rejected
    const health = await HealthWatch.begin(kernel)
    return await execute(call, { planning, users, given }, health)
  } finally {
    call.polling.end()
    call.place.leave()
  }
}

/** Plans, if necessary again, until no other call works on the modules of the plan. */
async function planInTurn(call: Call, users: UserReader): Promise<Planned> {
  const { asking, names, options } = call
  let progress = NO_PROGRESS
  throwIfAborted(options.signal, 'The unload')
  for (;;) {
    const planned = await makePlan(asking, names, call.planOptions, progress, users)
    throwIfAborted(options.signal, 'The unload')
    progress = planned.progress
    if (await takeTurn(call, planned.plan)) return planned
  }
}

interface Prepared {
  planning: Promise<Planned>
  users: UserReader
  given: GivenPlan | null
}

/** Every KmodError that it rejects with has the report. */
async function execute(
  call: Call,
  { planning, users, given }: Prepared,
  health: HealthWatch,
): Promise<UnloadReport> {
  const { draft } = call
  let execution: Execution | undefined
  try {
    const { plan, progress } = await planning
    if (given !== null) refuseChanges(given, plan)
    const planned = { plan, progress: given === null ? progress : limitedTo(progress, plan) }
    execution = new Execution(call, planned, users)
    await execution.run()
    await verify(call, plan.targets)
    return draft.finish(await health.finish())
  } catch (error) {
    if (isKmodError(error)) draft.fail(error.code)
    await restore(call)
    const report = draft.finish(await health.finish())
    if (!isKmodError(error)) throw error
    const plan = error.plan ?? execution?.plan
    throw Object.assign(error, { ...(plan && { plan }), report })
  }
}

async function restore({ restorer, place, draft }: Call): Promise<void> {
  if (restorer === null) return
  // The call may have ended its turn before it failed.
  for (let turn; (turn = place.claim(draft.removed)) !== null;) await turn
  await restorer.restore()
}
