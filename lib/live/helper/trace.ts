/** Reports who takes and drops references to a module. native/helper/trace.cc is the other end. */
import { KmodError } from '../../contract/errors'
import { failureToError, type NativeFailure } from '../../kernel/failure'
import type { ReferenceTrace } from '../../kernel/kernel'
import type { ReferenceEvent } from '../../contract/types'
import { HelperClient, type Exchange } from './client'
import { malformedMessage, Reader } from './wire'

/** With so many unread events, reading from the helper stops; then the kernel's buffer overflows. */
const UNREAD_LIMIT = 1000

interface Waiter {
  resolve: (event: ReferenceEvent | null) => void
  reject: (error: unknown) => void
}

/** One trace, with a helper and a tracing instance of its own. */
export class HelperTrace implements ReferenceTrace {
  readonly #client = new HelperClient('trace')
  readonly #exchange: Promise<Exchange>
  /** Resolves when the helper, which removes the instance first, has ended. */
  readonly #gone: Promise<void>
  #unread: ReferenceEvent[] = []
  readonly #waiting: Waiter[] = []
  #closing = false
  /** Why there will be no more events. */
  #failure: KmodError | undefined

  constructor(private readonly module: string) {
    let onLost: () => void
    this.#gone = new Promise((resolve) => (onLost = resolve))
    this.#exchange = this.#client.begin(['trace', module], {
      onMessage: (message) => this.#hear(new Reader(message)),
      onLost: (error) => {
        this.#fail(error ?? this.#lostError())
        onLost()
      },
    })
    this.#exchange.catch((error: unknown) => {
      this.#fail(error as KmodError)
      onLost()
    })
    this.#holdProcess()
  }

  next(): Promise<ReferenceEvent | null> {
    const event = this.#unread.shift()
    if (event !== undefined) {
      if (this.#unread.length === 0) this.#tell((exchange) => exchange.resume())
      return Promise.resolve(event)
    }
    if (this.#closing) return Promise.resolve(null)
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject })
      this.#holdProcess()
    })
  }

  close(): Promise<void> {
    if (!this.#closing) {
      this.#closing = true
      this.#unread = []
      for (const { resolve } of this.#waiting.splice(0)) resolve(null)
      this.#holdProcess()
      // The end of the socket is read only after the messages that are still in it.
      this.#tell((exchange) => exchange.resume())
      this.#client.close()
    }
    return this.#gone
  }

  #hear(reader: Reader): void {
    const kind = reader.text()
    if (kind === 'event') this.#take(readEvent(reader))
    else if (kind === 'failure') this.#fail(openingError(this.module, reader.nativeFailure()))
  }

  #take(event: ReferenceEvent): void {
    if (this.#closing) return
    const waiter = this.#waiting.shift()
    if (waiter !== undefined) {
      waiter.resolve(event)
      this.#holdProcess()
    } else if (this.#unread.push(event) === UNREAD_LIMIT) {
      this.#tell((exchange) => exchange.pause())
    }
  }

  /** Of several errors the first one counts. */
  #fail(error: KmodError): void {
    if (this.#closing) return
    this.#failure ??= error
    for (const { reject } of this.#waiting.splice(0)) reject(this.#failure)
    this.#holdProcess()
  }

  /** A caller that waits for an event, or for the end, keeps the process alive. */
  #holdProcess(): void {
    this.#tell((exchange) => {
      if (this.#closing || this.#waiting.length > 0) exchange.attach()
      else exchange.detach()
    })
  }

  #tell(what: (exchange: Exchange) => void): void {
    this.#exchange.then(what, () => undefined)
  }

  #lostError(): KmodError {
    return new KmodError(
      'ERR_KMOD_SYSTEM',
      `The helper program that traces module ${this.module} ended. Call trace() again: what happened ` +
        'in between is lost.',
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
      `Cannot trace module ${module}: ${detail} is not open to this process (${errnoName}). Run it as ` +
        'root, or in the group that tracefs is mounted for; a kernel that is locked down forbids it.',
      details,
    )
  }
  if (errnoName === 'ENOENT') {
    return new KmodError(
      'ERR_KMOD_UNSUPPORTED',
      `Cannot trace module ${module}: there is no ${detail}. Either this kernel was built without ` +
        'tracing, or tracefs is not mounted: `mount -t tracefs tracefs /sys/kernel/tracing` does it.',
      details,
    )
  }
  return failureToError(failure, `trace module ${module}`, { module })
}
