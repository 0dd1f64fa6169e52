/** The events of a helper process that serves one request for as long as it runs. */
import type { KmodError } from '../../contract/errors'
import type { NativeFailure } from '../../kernel/failure'
import type { EventSource } from '../../kernel/kernel'
import type { Exchange, HelperClient } from './client'
import { Reader } from './wire'

/**
 * When this many events are unread, the socket is no longer read. Then the buffer of the kernel
 * overflows, and events are lost, but the memory of this process stays bounded.
 */
const UNREAD_LIMIT = 1000

interface Waiter<Event> {
  resolve: (event: Event | null) => void
  reject: (error: unknown) => void
}

export interface StreamParts<Event> {
  /** A helper of its own. */
  client: HelperClient
  request: string[]
  /** Reads an event; `kind`: the first string of the message. Undefined: it is not an event. */
  readEvent: (kind: string, reader: Reader) => Event | undefined
  openingError: (failure: NativeFailure) => KmodError
  lostError: () => KmodError
  /** Whether a pending next() keeps the Node process alive; default true. */
  ref?: boolean | undefined
}

export class HelperStream<Event> implements EventSource<Event> {
  readonly #exchange: Promise<Exchange>
  /** Resolves when the helper has ended, which first removes what it has in the kernel. */
  readonly #ended: Promise<void>
  #unread: Event[] = []
  readonly #waiting: Waiter<Event>[] = []
  #closing = false
  /** Why there are no more events. */
  #failure: KmodError | undefined

  constructor(private readonly parts: StreamParts<Event>) {
    let onLost: () => void
    this.#ended = new Promise((resolve) => (onLost = resolve))
    this.#exchange = parts.client.begin(parts.request, {
      onMessage: (message) => this.#receive(new Reader(message)),
      onLost: (error) => {
        this.#fail(error ?? parts.lostError())
        onLost()
      },
    })
    this.#exchange.catch((error: unknown) => {
      this.#fail(error as KmodError)
      onLost()
    })
    this.#updateRef()
  }

  next(): Promise<Event | null> {
    const event = this.#unread.shift()
    if (event !== undefined) {
      if (this.#unread.length === 0) this.#withExchange((exchange) => exchange.resume())
      return Promise.resolve(event)
    }
    if (this.#closing) return Promise.resolve(null)
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject })
      this.#updateRef()
    })
  }

  close(): Promise<void> {
    if (!this.#closing) {
      this.#closing = true
      this.#unread = []
      for (const { resolve } of this.#waiting.splice(0)) resolve(null)
      this.#updateRef()
      // The end of the stream follows the messages that are still in the socket, so they must be read.
      this.#withExchange((exchange) => exchange.resume())
      this.parts.client.close()
    }
    return this.#ended
  }

  #receive(reader: Reader): void {
    const kind = reader.text()
    if (kind === 'failure') {
      this.#fail(this.parts.openingError(reader.nativeFailure()))
      return
    }
    const event = this.parts.readEvent(kind, reader)
    if (event !== undefined) this.#take(event)
  }

  #take(event: Event): void {
    if (this.#closing) return
    const waiter = this.#waiting.shift()
    if (waiter !== undefined) {
      waiter.resolve(event)
      this.#updateRef()
    } else if (this.#unread.push(event) === UNREAD_LIMIT) {
      this.#withExchange((exchange) => exchange.pause())
    }
  }

  /** Only the first reason is kept. */
  #fail(error: KmodError): void {
    if (this.#closing) return
    this.#failure ??= error
    for (const { reject } of this.#waiting.splice(0)) reject(this.#failure)
    this.#updateRef()
  }

  /** A pending next() and a pending close() keep the Node process alive, nothing else does. */
  #updateRef(): void {
    const { ref = true } = this.parts
    this.#withExchange((exchange) => {
      if (this.#closing || (ref && this.#waiting.length > 0)) exchange.attach()
      else exchange.detach()
    })
  }

  #withExchange(use: (exchange: Exchange) => void): void {
    this.#exchange.then(use, () => undefined)
  }
}
