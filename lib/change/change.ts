/** Waiting for a change to the kernel, which may never end. */
import { KmodError } from '../contract/errors'
import type { Change, ChangeEnd, Kernel } from '../kernel/kernel'
import { callsOn } from './calls'
import { READ_ONLY, refusalError } from './refusals'
import { abortedError, waitFor } from './waiting'

export const DEFAULT_HUNG_AFTER = 30_000

/** Throws where a call would change a system that can only be inspected. */
export function refuseReadOnly(kernel: Kernel): void {
  if (kernel.readOnly) throw refusalError(READ_ONLY)
}

export interface ChangeLimits {
  /** Milliseconds inside the kernel, or Infinity. */
  hungAfter: number
  /** Aborts the wait; what is inside the kernel stays there. */
  signal?: AbortSignal | undefined
}

/** How a change ended; or that it has not, and why the call does not wait any longer. */
export type ChangeOutcome = ChangeEnd | { outcome: 'abandoned'; error: KmodError }

/**
 * Resolves when the change has ended, at the latest after `hungAfter` or when the signal aborts: a
 * call into the kernel cannot be taken back. A change that is left behind is remembered until it
 * ends. Rejects where the change could not be started.
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

/** `why`: the signal that aborted, or the milliseconds that were too few. */
async function abandon(
  kernel: Kernel,
  module: string,
  change: Change,
  why: AbortSignal | number,
): Promise<ChangeOutcome> {
  // It may be inside a module that this one needs.
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
    `Process ${pid} is still inside the kernel, and nothing can interrupt it there; ` +
    `status('${inKernel}') tells when it is over.`
  if (typeof why !== 'number') {
    const message = `Aborted during a change of module ${inKernel}. ${leftBehind}`
    return { outcome: 'abandoned', error: abortedError(why, message, module) }
  }
  const message =
    `The change of module ${inKernel} did not end within ${why} ms. ${leftBehind} If it never ends, ` +
    'the module is faulty, and only a reboot removes it: see the kernel log and the kernel stack.'
  const error = new KmodError('ERR_KMOD_HUNG', message, { module, pid, kernelStack })
  return { outcome: 'abandoned', error }
}
