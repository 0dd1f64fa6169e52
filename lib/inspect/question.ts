import { abortedError, throwIfAborted, waitFor } from '../change/waiting'
import { abortSignal, checkOptions } from '../contract/options'
import type { CallOptions } from '../contract/types'
import type { Kernel } from '../kernel/kernel'

/**
 * Runs a call that only reads, with the signal of its caller. When the signal aborts, the call rejects
 * at once, and the questions that it has asked end. `call`: the name of the call.
 */
export async function ask<T>(
  kernel: Kernel,
  call: string,
  options: unknown,
  question: (kernel: Kernel) => Promise<T>,
): Promise<T> {
  const { signal } = checkOptions<CallOptions>(options, { signal: abortSignal })
  throwIfAborted(signal, `${call}()`)
  const wait = await waitFor(kernel.clock, question(kernel.hearing(signal)), { signal })
  if (wait.ended === 'done') return wait.value
  throw abortedError(signal!, `${call}() was aborted.`)
}
