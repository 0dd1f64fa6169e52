/** Waits for something that may never happen, with a deadline and a signal. */
import { KmodError } from '../contract/errors'
import type { Clock } from '../kernel/kernel'

export interface WaitLimits {
  /** Milliseconds from now; default Infinity. */
  timeout?: number
  signal?: AbortSignal | undefined
}

export type WaitResult<T> =
  { ended: 'done'; value: T } | { ended: 'timeout' } | { ended: 'aborted'; signal: AbortSignal }

/**
 * Waits until the promise settles, the time is up, or the signal aborts. Rejects as the promise
 * does. No timer and no listener is left afterwards.
 */
export async function waitFor<T>(
  clock: Clock,
  promise: Promise<T>,
  { timeout = Infinity, signal }: WaitLimits,
): Promise<WaitResult<T>> {
  const over = new AbortController()
  const done = promise
    .finally(() => over.abort())
    .then((value): WaitResult<T> => ({ ended: 'done', value }))
  const first = await Promise.race([
    done,
    timeUp(clock, timeout, over.signal),
    aborted(signal, over.signal),
  ])
  // If the promise has settled in the same turn of the event loop, its result counts.
  if (over.signal.aborted) return done
  over.abort()
  return first
}

async function timeUp(
  clock: Clock,
  timeout: number,
  over: AbortSignal,
): Promise<WaitResult<never>> {
  if (timeout === Infinity) return never()
  await clock.sleep(timeout, over)
  return { ended: 'timeout' }
}

async function aborted(
  signal: AbortSignal | undefined,
  over: AbortSignal,
): Promise<WaitResult<never>> {
  if (signal === undefined) return never()
  if (!signal.aborted) {
    await new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve(), { once: true, signal: over })
    })
  }
  return { ended: 'aborted', signal }
}

function never(): Promise<never> {
  return new Promise(() => undefined)
}

export function abortedError(signal: AbortSignal, message: string, module?: string): KmodError {
  return new KmodError('ERR_KMOD_ABORTED', message, {
    cause: signal.reason,
    ...(module !== undefined && { module }),
  })
}

/** `doing`: the subject of the message, such as "Removing dummy". */
export function throwIfAborted(signal: AbortSignal | undefined, doing: string): void {
  if (signal?.aborted) throw abortedError(signal, `${doing} was aborted before it began.`)
}
