/** The turn of a call in the queue of this process, with the modules of a plan. */
import { queuedBlocker, timeoutError } from '../change/refusals'
import { abortedError, waitFor } from '../change/waiting'
import type { UnloadPlan } from '../contract/types'
import type { Call } from './call'

/**
 * Resolves with true if it is the call's turn. Else it waits for the calls that work on one of
 * the modules and resolves with false: they have changed the system, so the call must plan again.
 * The time counts against `wait`. Without `wait` there is no deadline, because the other calls end:
 * each of their steps has its `hungAfter`, and a call that itself waits is not waited for.
 */
export async function takeTurn(
  call: Call,
  plan: UnloadPlan,
  { hasDeadline = true }: { hasDeadline?: boolean } = {},
): Promise<boolean> {
  const { kernel, place, polling, draft, options } = call
  const turn = place.claim([
    ...plan.targets,
    ...plan.steps.map(({ module }) => module),
    ...draft.removed,
  ])
  if (turn === null) return true
  const timeout = hasDeadline && polling.timeout > 0 ? polling.remaining : Infinity
  const { signal } = options
  const wait = await waitFor(kernel.clock, turn, { timeout, signal })
  if (wait.ended === 'done') return false
  if (wait.ended === 'aborted') {
    const message =
      'The unload was aborted while it waited for another call of this process. The report lists what was removed before.'
    throw abortedError(wait.signal, message)
  }
  throw timeoutError(polling.timeout, queuedBlocker(plan.targets[0]!), { users: [], plan })
}
