/** The references to a module, as they are taken and dropped. native/helper/trace.cc is the other end. */
import { KmodError } from '../../contract/errors'
import { failureToError, type NativeFailure } from '../../kernel/failure'
import type { ReferenceTrace } from '../../kernel/kernel'
import type { ReferenceEvent } from '../../contract/types'
import { HelperClient, type Exchange } from './client'
import { afterDeadline, noAnswerError, notWithin } from './deadline'
import { malformedMessage, Reader } from './wire'

/**
 * When this many events are unread, the socket is no longer read. Then the buffer of the kernel
 * overflows, and the oldest events are lost, but the memory of this process stays bounded.
 */
const UNREAD_LIMIT = 1000

interface Waiter {
  resolve: (event: ReferenceEvent | null) => void
  reject: (error: unknown) => void
}

/** One trace, with a helper process and a tracing instance of its own. */
export class HelperTrace implements ReferenceTrace {
  readonly #client = new HelperClient('trace')
  readonly #exchange: Promise<Exchange>
  /** Resolves when the helper has ended, which removes the tracing instance first. */
  readonly #ended: Promise<void>
  /** The helper begins with `ready`, or says why it cannot. */
  readonly #stopWaiting: () => void
  #unread: ReferenceEvent[] = []
  readonly #waiting: Waiter[] = []
  #closing = false
  /** Why there are no more events. */
  #failure: KmodError | undefined

  /** `timeout`: milliseconds that the helper may take to begin, and to end. */
  constructor(
    private readonly module: string,
    private readonly timeout: number,
  ) {
    let onLost: () => void
    this.#stopWaiting = afterDeadline(timeout, () => {
      this.#fail(noAnswerError(`trace module ${module}`, notWithin(timeout)))
      void this.#client.abandon()
    })
    this.#ended = new Promise((resolve) => (onLost = resolve))
    this.#exchange = this.#client.begin(['trace', module], {
      onMessage: (message) => this.#receive(new Reader(message)),
      onLost: ({ error }) => {
        this.#fail(error ?? this.#lostError())
        onLost()
      },
    })
    this.#exchange.catch((error: unknown) => {
      this.#fail(error as KmodError)
      onLost()
    })
    this.#updateRef()
  }

  next(): Promise<ReferenceEvent | null> {
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

  /** `limit`: milliseconds that the helper may take to end. */
  close(limit = this.timeout): Promise<void> {
    if (!this.#closing) {
      this.#closing = true
      this.#unread = []
      for (const { resolve } of this.#waiting.splice(0)) resolve(null)
      this.#updateRef()
      // The end of the stream follows the messages that are still in the socket, so they must be read.
      this.#withExchange((exchange) => exchange.resume())
      void this.#client.close(limit)
    }
    return this.#ended
  }

  /** Resolves when the trace is over, whatever has ended it. */
  get ended(): Promise<void> {
    return this.#ended
  }

  #receive(reader: Reader): void {
    this.#stopWaiting()
    const kind = reader.text()
    if (kind === 'event') this.#take(readEvent(reader))
    else if (kind === 'failure') this.#fail(openingError(this.module, reader.nativeFailure()))
  }

  #take(event: ReferenceEvent): void {
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
    this.#stopWaiting()
    if (this.#closing) return
    this.#failure ??= error
    for (const { reject } of this.#waiting.splice(0)) reject(this.#failure)
    this.#updateRef()
  }

  /** A pending next() and a pending close() keep the Node process alive, nothing else does. */
  #updateRef(): void {
    this.#withExchange((exchange) => {
      if (this.#closing || this.#waiting.length > 0) exchange.attach()
      else exchange.detach()
    })
  }

  #withExchange(use: (exchange: Exchange) => void): void {
    this.#exchange.then(use, () => undefined)
  }

  #lostError(): KmodError {
    return new KmodError(
      'ERR_KMOD_SYSTEM',
      `The helper program that traces module ${this.module} ended. Call trace() again; the events in ` +
        'between are lost.',
      { module: this.module },
    )
  }
}

/** EventReply() in native/helper/trace.cc is the other end. */
function readEvent(reader: Reader): ReferenceEvent {
  return {
    action: readAction(reader),
    pid: reader.number(),
    comm: reader.optional(),
    caller: reader.text(),
    refCount: reader.number(),
    at: new Date(reader.number()),
  }
}

function readAction(reader: Reader): ReferenceEvent['action'] {
  const action = reader.text()
  if (action !== 'get' && action !== 'put') {
    throw malformedMessage(`"${action}" is not an action of a trace`)
  }
  return action
}

function openingError(module: string, failure: NativeFailure): KmodError {
  const { errno, errnoName, syscall, detail } = failure
  const details = { module, errno: -errno, errnoCode: errnoName, syscall }
  if (['EACCES', 'EPERM'].includes(errnoName)) {
    return new KmodError(
      'ERR_KMOD_PERMISSION',
      `Cannot trace module ${module}: this process may not open ${detail} (${errnoName}). Run it as ` +
        'root, or in the group for which tracefs is mounted. A kernel in lockdown does not allow it.',
      details,
    )
  }
  if (errnoName === 'ENOENT') {
    return new KmodError(
      'ERR_KMOD_UNSUPPORTED',
      `Cannot trace module ${module}: there is no ${detail}. If tracefs is not mounted, run ` +
        '`mount -t tracefs tracefs /sys/kernel/tracing`. A kernel without tracing has no tracefs.',
      details,
    )
  }
  return failureToError(failure, `trace module ${module}`, { module })
}
