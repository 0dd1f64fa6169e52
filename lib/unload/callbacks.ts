/**
 * Calls `onStep` and `onBlocked`. They may throw, reject, call this package, or return a promise that
 * never settles.
 */
import { callbackBlocker, timeoutError } from '../change/refusals'
import { abortedError, waitFor } from '../change/waiting'
import { KmodError } from '../contract/errors'
import type { Blocker, UnloadEvent, UnloadOptions, User } from '../contract/types'
import type { Place } from '../change/queue'
import type { Kernel } from '../kernel/kernel'
import type { Polling } from './polling'

export class Callbacks {
  constructor(
    private readonly call: {
      kernel: Kernel
      place: Place
      polling: Polling
      options: Pick<UnloadOptions, 'onStep' | 'onBlocked' | 'signal'>
    },
  ) {}

  get wantsBlockers(): boolean {
    return this.call.options.onBlocked !== undefined
  }

  /** Returns whether the call has rested in the meantime, so that it must take its turn again. */
  async step(event: UnloadEvent): Promise<boolean> {
    const { onStep } = this.call.options
    if (onStep === undefined) return false
    const { polling } = this.call
    // The deadline limits the wait for blockers. A step can start after it: then its callback has the
    // whole time of `wait` again.
    const timeout = polling.remaining || polling.timeout || Infinity
    return this.#run(
      () => onStep(event),
      timeout,
      () => {
        const blocker = callbackBlocker(event.step.module)
        return Promise.resolve(timeoutError(polling.timeout, blocker, { users: [] }))
      },
    )
  }

  /** `timeUp`: the error if the callback has not settled at the deadline. */
  async blocked(blocker: Blocker, users: User[], timeUp: () => Promise<KmodError>): Promise<void> {
    const { onBlocked } = this.call.options
    if (onBlocked === undefined) return
    await this.#run(() => onBlocked(blocker, users), this.call.polling.remaining, timeUp)
  }

  /** For a callback without a deadline. Only the signal ends the wait for its promise. */
  async run(callback: () => unknown): Promise<boolean> {
    return this.#run(callback, Infinity, () => Promise.reject(new Error('has no deadline')))
  }

  async #run(
    callback: () => unknown,
    timeout: number,
    timeUp: () => Promise<KmodError>,
  ): Promise<boolean> {
    const { kernel, place, options } = this.call
    let result: unknown
    try {
      result = callback()
    } catch (cause) {
      throw callbackError(cause)
    }
    if (!isThenable(result)) return false
    // The callback may wait for other calls of this process, also for calls on the same modules.
    place.rest()
    const settled = Promise.resolve(result).catch((cause: unknown) => {
      throw callbackError(cause)
    })
    const wait = await waitFor(kernel.clock, settled, { timeout, signal: options.signal })
    if (wait.ended === 'timeout') throw await timeUp()
    if (wait.ended === 'aborted') {
      const message =
        'The call was aborted while a callback of the caller ran. The report lists what was removed before.'
      throw abortedError(wait.signal, message)
    }
    return true
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    'then' in value &&
    typeof value.then === 'function'
  )
}

function callbackError(cause: unknown): KmodError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new KmodError(
    'ERR_KMOD_CALLBACK',
    `A callback of the caller threw an error, and the call stopped there: ${reason}`,
    { cause },
  )
}
