/** ... -> plan -> guard -> execute -> verify -> report */
import { blockerError } from '../change/blocker'
import { abortedError, DEFAULT_HUNG_AFTER, refuseReadOnly, whenAborted } from '../change/change'
import { isKmodError, KmodError } from '../contract/errors'
import { HealthWatch } from '../change/health'
import type { Kernel } from '../kernel/kernel'
import { checkUnloadOptions, planOptions } from '../plan/options'
import { checkTargets } from '../contract/names'
import { makePlan } from '../plan/plan'
import { takeTurn, type Turn } from '../change/queue'
import type { Blocker, UnloadPlan, UnloadReport } from '../contract/types'
import { Draft } from './draft'
import { Execution, type Call } from './execution'
import { checkGivenPlan, isPlan, refuseChanged } from './given-plan'
import { Restorer } from './restore'
import { verify } from './verify'
import { Waiting } from './wait'

/** Takes modules out, as {@link plan} says. */
export async function unload(
  kernel: Kernel,
  what: unknown,
  rawOptions?: unknown,
): Promise<UnloadReport> {
  const options = checkUnloadOptions(rawOptions)
  const given = isPlan(what) ? checkGivenPlan(what, options) : null
  const asked = given?.targets ?? checkTargets(what)
  refuseReadOnly(kernel)
  const draft = new Draft(kernel.clock)
  const call: Call = {
    kernel,
    asked,
    planned: given?.options ?? planOptions(options),
    progress: { began: new Set(), also: new Map(), givenUp: new Map() },
    options,
    hungAfter: options.hungAfter ?? DEFAULT_HUNG_AFTER,
    waiting: new Waiting(kernel, options.wait ?? 0, options.signal),
    draft,
    restorer: options.onFailure === 'restore' ? new Restorer(kernel, draft) : null,
  }
  // At once, so that calls queue in the order in which they were made.
  const planning = planInTurn(call)
  planning.catch(() => undefined) // it is heard below, perhaps later than it comes
  const health = await HealthWatch.begin(kernel).catch((error: unknown) => {
    planning.then(({ turn: unused }) => unused.leave()).catch(() => undefined)
    throw error
  })
  let turn: Turn | undefined
  let execution: Execution | undefined
  try {
    const begin = await planning
    turn = begin.turn
    if (given !== null) refuseChanged(given, begin.found)
    execution = new Execution(call, begin.found, turn)
    await execution.run()
    await verify(call, execution.plan.targets)
    return draft.finish(await health.finish())
  } catch (error) {
    if (isKmodError(error)) draft.fail(execution?.current, error.code)
    await call.restorer?.restore()
    const report = draft.finish(await health.finish())
    if (!isKmodError(error)) throw error
    const plan = error.plan ?? execution?.plan
    throw Object.assign(error, { ...(plan && { plan }), report })
  } finally {
    call.waiting.end()
    turn?.leave()
  }
}

/** Plans, once no other call is at work on the same modules. */
function planInTurn(call: Call): Promise<{ found: UnloadPlan; turn: Turn }> {
  return takeTurn(
    async () => {
      throwIfAborted(call)
      const plan = await makePlan(call.kernel, call.asked, call.planned, call.progress)
      // From now on the names are settled, whatever becomes of the modules.
      call.asked = plan.targets
      for (const name of plan.absent) call.progress.began.add(name)
      for (const { module, reason } of plan.steps) {
        if (reason === 'target') call.progress.began.add(module)
      }
      const modules = plan.steps.map(({ module }) => module)
      return { found: plan, touches: [...plan.targets, ...modules] }
    },
    (come, plan) => awaitTurn(call, come, plan),
  )
}

/** Time in the queue counts against `wait`, and hears the signal. */
async function awaitTurn(
  { kernel, waiting, options: { signal } }: Call,
  come: Promise<unknown>,
  plan: UnloadPlan,
): Promise<void> {
  const over = new AbortController()
  const first = await Promise.race([
    come.then(() => 'come' as const),
    whenAborted(signal, over.signal).then(() => 'aborted' as const),
    // Without a wait there is no deadline to miss: then only the order counts.
    waiting.allowed === 0 || waiting.allowed === Infinity
      ? new Promise<never>(() => undefined)
      : kernel.clock.sleep(waiting.left, over.signal).then(() => 'late' as const),
  ])
  over.abort()
  if (first !== 'late') return
  const module = plan.targets[0]!
  const blocker: Blocker = {
    code: 'ERR_KMOD_TRANSIENT',
    module,
    message: `Another call of this process is still at work on module ${module} or what goes with it.`,
  }
  throw new KmodError(
    'ERR_KMOD_TIMEOUT',
    `Gave up after ${waiting.allowed} ms of waiting. ${blocker.message}`,
    { module, blocker, users: [], cause: blockerError(blocker), plan },
  )
}

function throwIfAborted({ options: { signal } }: Call): void {
  if (signal?.aborted) throw abortedError(signal, 'The unload was aborted before it began.')
}
