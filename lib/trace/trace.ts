/** The references to a module, as they are taken and dropped. */
import { abortedError } from '../change/waiting'
import { asyncDispose } from '../contract/dispose'
import { invalidValue } from '../contract/errors'
import type { Kernel, ReferenceTrace } from '../kernel/kernel'
import { checkName } from '../contract/names'
import { abortSignal, checkOptions } from '../contract/options'
import type { ReferenceEvent, TraceOptions } from '../contract/types'

/** The references to a module that are taken and dropped from this call on. Never throws. */
export function trace(kernel: Kernel, name: unknown, options?: unknown): ReferenceEvents {
  return new ReferenceEvents(kernel, name, options)
}

/** An iterator that ends at the first error: one `next()` rejects with it, later ones are done. */
class ReferenceEvents implements AsyncIterableIterator<ReferenceEvent>, AsyncDisposable {
  #source: ReferenceTrace | undefined
  #signal: AbortSignal | undefined
  /** What the next `next()` rejects with. */
  #failure: { error: unknown } | undefined
  #ended: Promise<void> | undefined
  readonly #module: string = ''

  constructor(kernel: Kernel, name: unknown, options: unknown) {
    try {
      this.#module = checkTraceable(name)
      const { signal } = checkOptions<TraceOptions>(options, { signal: abortSignal })
      this.#signal = signal
      if (signal?.aborted) {
        this.#abort()
      } else {
        this.#source = kernel.trace(this.#module)
        signal?.addEventListener('abort', this.#abort)
      }
    } catch (error) {
      this.#failure = { error }
      void this.#end()
    }
  }

  async next(): Promise<IteratorResult<ReferenceEvent, undefined>> {
    const event = this.#ended === undefined ? await this.#read() : null
    if (event !== null) return { done: false, value: event }
    const failure = this.#failure
    this.#failure = undefined
    await this.#end()
    if (failure !== undefined) throw failure.error
    return { done: true, value: undefined }
  }

  async return(): Promise<IteratorResult<ReferenceEvent, undefined>> {
    this.#failure = undefined
    await this.#end()
    return { done: true, value: undefined }
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [asyncDispose](): Promise<void> {
    await this.return()
  }

  /** `null`: there are no more events. */
  async #read(): Promise<ReferenceEvent | null> {
    try {
      return (await this.#source?.next()) ?? null
    } catch (error) {
      // If several calls of next() wait, only the first one rejects.
      if (this.#ended === undefined) this.#failure = { error }
      return null
    }
  }

  readonly #abort = (): void => {
    const message = `Tracing ${this.#module} was aborted.`
    this.#failure = { error: abortedError(this.#signal!, message, this.#module) }
    void this.#end()
  }

  /** Resolves when nothing of the trace is left in the kernel. */
  #end(): Promise<void> {
    this.#signal?.removeEventListener('abort', this.#abort)
    return (this.#ended ??= this.#source?.close() ?? Promise.resolve())
  }
}

/**
 * A trace filter of the kernel has the name between quotes, and a quote in it cannot be escaped.
 */
function checkTraceable(name: unknown): string {
  const checked = checkName(name)
  if (!/["'\\]/.test(checked)) return checked
  throw invalidValue('name', 'a module name without quotes and backslashes', name)
}
