/** Waits for a removal or an insertion, which may never end. */
import { KmodError } from '../contract/errors'
import type { Change, ChangeEnd, Kernel } from '../kernel/kernel'
import { callsOn } from './calls'
import { READ_ONLY, refusalError } from './refusals'
import { abortedError, waitFor } from './waiting'

export const DEFAULT_HUNG_AFTER = 30_000

/** Throws ERR_KMOD_READ_ONLY if the system can only be inspected. */
export function refuseReadOnly(kernel: Kernel): void {
  if (kernel.readOnly) throw refusalError(READ_ONLY)
}

export interface ChangeLimits {
  /** Milliseconds that the change may take, or Infinity. */
  hungAfter: number
  /** Ends the wait; a change that is inside the kernel continues there. */
  signal?: AbortSignal | undefined
}

/** How a change ended. `abandoned`: the call does not wait any longer; `error` says why. */
export type ChangeOutcome = ChangeEnd | { outcome: 'abandoned'; error: KmodError }

/**
 * Resolves when the change has ended, at the latest after `hungAfter` or when the signal aborts: a
 * process that is inside the kernel cannot be killed. A change that is still running then is
 * remembered until it ends. Rejects if the change could not be started.
 */
export async function awaitChange(
  kernel: Kernel,
  module: string,
  change: Change,
  { hungAfter, signal }: ChangeLimits,
): Promise<ChangeOutcome> {
  const wait = await waitFor(kernel.clock, change.ended, { timeout: hungAfter, signal })
  if (wait.ended === 'done') return wait.value
  const aborted = wait.ended === 'aborted' ? wait.signal : null
  const running = change.attempts.at(-1)
  if (!running?.command) return abandon(kernel, module, change, aborted ?? hungAfter)
  // An install command runs in user space and can be killed.
  change.kill()
  const end = await change.ended
  if (aborted === null) return end
  const message = `Loading ${module} was aborted, and its install command was killed.`
  return { outcome: 'abandoned', error: abortedError(aborted, message, module) }
}

/** `why`: the signal that aborted, or the `hungAfter` that is over. */
async function abandon(
  kernel: Kernel,
  module: string,
  change: Change,
  why: AbortSignal | number,
): Promise<ChangeOutcome> {
  // The process may be in the kernel with a module that the requested one needs.
  const inKernel = change.attempts.at(-1)?.module ?? module
  callsOn(kernel).stuck.add(change, new Set([module, inKernel]))
  while (change.pid === undefined) {
    // The process is being started at this moment.
    const wait = await waitFor(kernel.clock, change.ended, { timeout: 1 })
    if (wait.ended === 'done') return wait.value
  }
  const { pid } = change
  const kernelStack = await change.stack()
  change.detach()
  const leftBehind =
    `Process ${pid} is still inside the kernel and cannot be interrupted. ` +
    `status('${inKernel}') shows whether the change has ended.`
  if (typeof why !== 'number') {
    const message = `Aborted during a change of module ${inKernel}. ${leftBehind}`
    return { outcome: 'abandoned', error: abortedError(why, message, module) }
  }
  const message =
    `The change of module ${inKernel} did not end within ${why} ms. ${leftBehind} If it never ends, ` +
    'the module is faulty and stays until the next boot. See the kernel log and the kernel stack.'
  const error = new KmodError('ERR_KMOD_HUNG', message, { module, pid, kernelStack })
  return { outcome: 'abandoned', error }
}
