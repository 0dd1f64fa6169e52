/** The calls of one Kmod that are running, so that close() can abort them. */
import { setMaxListeners } from 'node:events'
import { abortSignal } from '../contract/options'
import type { CallOptions } from '../contract/types'
import type { Kernel } from '../kernel/kernel'
import { waitFor } from './waiting'

/** Milliseconds that close() may take if the questions of the Kmod have no limit. */
const LONGEST_CLOSE = 10_000

export class RunningCalls {
  readonly #running = new Map<AbortController, Promise<unknown>>()
  readonly #whenAborted = new Set<() => Promise<unknown>>()
  readonly #followers = new Map<AbortSignal, Set<AbortController>>()

  /** Makes a call, whose signal also aborts when the Kmod is closed. */
  async run<Options extends CallOptions | undefined, T>(
    options: Options,
    call: (options: Options) => Promise<T>,
  ): Promise<T> {
    const controller = new AbortController()
    // A call asks many questions at once, and each listens.
    setMaxListeners(0, controller.signal)
    const unfollow = this.#follow(signalOf(options), controller)
    const running = call(withSignal(options, controller.signal))
    this.#running.set(controller, running)
    try {
      return await running
    } finally {
      unfollow()
      this.#running.delete(controller)
    }
  }

  /**
   * The controller aborts with the signal, until the returned function is called. However many calls
   * have the same signal, it has one listener: from the eleventh on Node.js would print a warning.
   */
  #follow(signal: AbortSignal | undefined, controller: AbortController): () => void {
    if (signal === undefined) return () => undefined
    if (signal.aborted) controller.abort(signal.reason)
    const followers = this.#followers.get(signal) ?? this.#listen(signal)
    followers.add(controller)
    return () => {
      followers.delete(controller)
      if (followers.size > 0) return
      this.#followers.delete(signal)
      signal.removeEventListener('abort', this.#abortFollowers)
    }
  }

  #listen(signal: AbortSignal): Set<AbortController> {
    const followers = new Set<AbortController>()
    this.#followers.set(signal, followers)
    signal.addEventListener('abort', this.#abortFollowers)
    return followers
  }

  readonly #abortFollowers = ({ target }: Event): void => {
    const signal = target as AbortSignal
    for (const controller of this.#followers.get(signal) ?? []) controller.abort(signal.reason)
  }

  /** Resolves when all of them have ended. */
  async abort(): Promise<void> {
    for (const controller of this.#running.keys())
      controller.abort(new Error('close() was called.'))
    const others = [...this.#whenAborted].map((end) => end())
    this.#whenAborted.clear()
    await Promise.allSettled([...this.#running.values(), ...others])
  }

  /** For what lasts longer than a call: abort() calls `end`. Returns a function that prevents it. */
  onAbort(end: () => Promise<unknown>): () => void {
    this.#whenAborted.add(end)
    return () => void this.#whenAborted.delete(end)
  }
}

/** Aborts the calls, and closes the kernel object. Resolves within its `timeout`, whatever hangs. */
export async function close(kernel: Kernel, calls: RunningCalls): Promise<void> {
  const { clock } = kernel
  const limit = Math.min(kernel.timeout, LONGEST_CLOSE)
  const begun = clock.now()
  await waitFor(clock, calls.abort(), { timeout: limit / 2 })
  await kernel.close(limit - (clock.now() - begun))
}

function signalOf(options: CallOptions | undefined): AbortSignal | undefined {
  const signal: unknown = isObject(options) ? options.signal : undefined
  return abortSignal.accepts(signal) ? signal : undefined
}

/** Wrong options are left as they are, so that the call rejects with what is wrong. */
function withSignal<Options extends CallOptions | undefined>(
  options: Options,
  signal: AbortSignal,
): Options {
  if (options === undefined) return { signal } as Options
  if (!isObject(options)) return options
  const { signal: own } = options
  return own === undefined || abortSignal.accepts(own) ? { ...options, signal } : options
}

/** TypeScript does not check what a program in JavaScript passes. */
function isObject(options: unknown): options is CallOptions {
  return typeof options === 'object' && options !== null && !Array.isArray(options)
}
