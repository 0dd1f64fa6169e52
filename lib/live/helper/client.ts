/** A helper process and the conversation with it. */
import { Socket } from 'node:net'
import { isKmodError, KmodError } from '../../contract/errors'
import { unwrap } from '../../kernel/failure'
import { load } from '../native'
import { Decoder, encode, malformedMessage } from './wire'

export type Role = 'queries' | 'changes' | 'survey' | 'events' | 'trace' | 'watch'

export interface Listener {
  /** May throw if it cannot understand the message; that ends the conversation with this error. */
  onMessage(strings: string[]): void
  /** The conversation ended before the exchange. `error`: why this side ended it, if this side did. */
  onLost(error?: KmodError): void
}

/** One request and its answers. */
export interface Exchange {
  /** Sends another message about the request, with the same id. */
  send(strings: string[]): void
  /** No more answers are expected: the exchange does not keep the Node process alive any more. */
  end(): void
  /** Answers are still delivered, but they do not keep the Node process alive. */
  detach(): void
  /** Undoes `detach`. */
  attach(): void
  /** For the whole conversation: stops reading from the socket, which then fills up. */
  pause(): void
  resume(): void
}

/** A conversation with one helper process. When it ends, the next request starts another one. */
class Conversation {
  readonly #listeners = new Map<number, Listener>()
  readonly #keepingAlive = new Set<number>()
  readonly #decoder = new Decoder()
  #nextId = 1
  /** Why this side ended the conversation, if it did. */
  #error: KmodError | undefined

  constructor(
    private readonly socket: Socket,
    private readonly onClose: () => void,
  ) {
    socket.unref()
    socket.on('data', (piece: Buffer) => this.#receive(piece))
    // 'close' follows, and is handled below.
    socket.on('error', () => undefined)
    socket.on('close', () => {
      this.onClose()
      const listeners = [...this.#listeners.values()]
      this.#listeners.clear()
      for (const listener of listeners) listener.onLost(this.#error)
    })
  }

  begin(strings: string[], listener: Listener): Exchange {
    const id = this.#nextId++
    const bytes = encode({ id, strings })
    const write = (message: Buffer): void => {
      if (!this.socket.destroyed) this.socket.write(message)
    }
    const detach = (): void => {
      this.#keepingAlive.delete(id)
      if (this.#keepingAlive.size === 0) this.socket.unref()
    }
    const attach = (): void => {
      this.#keepingAlive.add(id)
      this.socket.ref()
    }
    this.#listeners.set(id, listener)
    attach()
    if (this.socket.destroyed) queueMicrotask(() => listener.onLost(this.#error))
    write(bytes)
    const send = (more: string[]): void => write(encode({ id, strings: more }))
    const end = (): void => {
      this.#listeners.delete(id)
      detach()
    }
    const pause = (): void => void this.socket.pause()
    const resume = (): void => void this.socket.resume()
    return { send, detach, attach, end, pause, resume }
  }

  /** Closes this end of the socket. The helper ends then, and with it the conversation. */
  close(): void {
    this.socket.end()
  }

  /** Catches every error, which would otherwise be an uncaught exception of the Node process. */
  #receive(piece: Buffer): void {
    try {
      for (const message of this.#decoder.push(piece)) {
        this.#listeners.get(message.id)?.onMessage(message.strings)
      }
    } catch (error) {
      this.#error = isKmodError(error) ? error : malformedMessage(String(error))
      this.socket.destroy()
    }
  }
}

/** Starts the helper of one role at the first request. There is one for each Node environment. */
export class HelperClient {
  #conversation: Promise<Conversation> | undefined

  /** `inherited`: a descriptor for the first helper, which takes it over. */
  constructor(
    private readonly role: Role,
    private inherited?: number,
  ) {}

  /** Rejects with a KmodError if the helper cannot be started. */
  async begin(strings: string[], listener: Listener): Promise<Exchange> {
    this.#conversation ??= this.#start()
    const conversation = await this.#conversation
    return conversation.begin(strings, listener)
  }

  /** Ends the helper. Calls `onLost` of the listeners that still wait for an answer. */
  close(): void {
    this.#conversation?.then(
      (conversation) => conversation.close(),
      () => undefined,
    )
  }

  async #start(): Promise<Conversation> {
    try {
      const { native, helper } = load()
      const { inherited } = this
      this.inherited = undefined
      const { socket } = unwrap(
        await native.spawnHelper(helper, this.role, inherited),
        `start the helper program ${helper}`,
      )
      return new Conversation(new Socket({ fd: socket, readable: true, writable: true }), () => {
        this.#conversation = undefined
        native.reapHelpers()
        // The helper closes its end of the socket a moment before the process ends.
        setTimeout(() => native.reapHelpers(), 50).unref()
      })
    } catch (error) {
      this.#conversation = undefined
      throw error
    }
  }
}
