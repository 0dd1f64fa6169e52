/** The iterators of `trace` and `watch`. */
import type { EventSource } from '../kernel/kernel'
import { abortedError } from './waiting'
import { asyncDispose } from '../contract/dispose'

/** What an iterator gets when it is made; it throws for a wrong argument. */
export interface Opened<Event> {
  signal: AbortSignal | undefined
  /** For the error of an abort. */
  module?: string
  /** For the same error, such as "Tracing dummy". */
  doing: string
  /** May throw. Not called if the signal has aborted already. */
  source: () => EventSource<Event>
}

/** An iterator that ends at the first error: one `next()` rejects with it, later ones are done. */
export class EventIterator<Event> implements AsyncIterableIterator<Event>, AsyncDisposable {
  #opened: Opened<Event> | undefined
  #source: EventSource<Event> | undefined
  /** What the next `next()` rejects with. */
  #failure: { error: unknown } | undefined
  #ended: Promise<void> | undefined

  /** Never throws: what `open` throws is the failure of the first `next()`. */
  constructor(open: () => Opened<Event>) {
    try {
      this.#opened = open()
      const { signal, source } = this.#opened
      if (signal?.aborted) {
        this.#abort()
      } else {
        this.#source = source()
        signal?.addEventListener('abort', this.#abort)
      }
    } catch (error) {
      this.#failure = { error }
      void this.#end()
    }
  }

  async next(): Promise<IteratorResult<Event, undefined>> {
    const event = this.#ended === undefined ? await this.#read() : null
    if (event !== null) return { done: false, value: event }
    const failure = this.#failure
    this.#failure = undefined
    await this.#end()
    if (failure !== undefined) throw failure.error
    return { done: true, value: undefined }
  }

  async return(): Promise<IteratorResult<Event, undefined>> {
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
  async #read(): Promise<Event | null> {
    try {
      return (await this.#source?.next()) ?? null
    } catch (error) {
      // If several calls of next() wait, only the first one rejects.
      if (this.#ended === undefined) this.#failure = { error }
      return null
    }
  }

  readonly #abort = (): void => {
    const { signal, doing, module } = this.#opened!
    this.#failure = { error: abortedError(signal!, `${doing} was aborted.`, module) }
    void this.#end()
  }

  /** Resolves when nothing of the source is left in the kernel. */
  #end(): Promise<void> {
    this.#opened?.signal?.removeEventListener('abort', this.#abort)
    return (this.#ended ??= this.#source?.close() ?? Promise.resolve())
  }
}
