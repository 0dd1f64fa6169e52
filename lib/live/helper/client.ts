/** A helper process and the conversation with it. */
import { Socket } from 'node:net'
import { type NativeFailure, unwrap } from '../../kernel/failure'
import { load } from '../native'
import { Decoder, encode } from './wire'

export type Role = 'queries' | 'changes' | 'survey' | 'events' | 'trace'

export interface Listener {
  onMessage(strings: string[]): void
  /** The helper ended before the exchange did. */
  onLost(): void
}

/** One request and its answers, of which the last ends it. */
export interface Exchange {
  /** Says something more about the request: the helper pairs it by the number. */
  send(strings: string[]): void
  /** The answers are over: what is left may let the Node process end. */
  end(): void
  /** Answers are still welcome, but not worth keeping the Node process alive for. */
  detach(): void
  /** They are worth it again. */
  attach(): void
  /** Of the whole conversation: nothing more is taken from the socket, which then fills up. */
  pause(): void
  resume(): void
}

/** A conversation with one helper process; when that ends, the next request begins another. */
class Conversation {
  readonly #listeners = new Map<number, Listener>()
  readonly #keepingAlive = new Set<number>()
  readonly #decoder = new Decoder()
  #nextId = 1

  constructor(
    private readonly socket: Socket,
    private readonly onClose: () => void,
  ) {
    socket.unref()
    socket.on('data', (piece: Buffer) => {
      for (const message of this.#decoder.push(piece)) {
        this.#listeners.get(message.id)?.onMessage(message.strings)
      }
    })
    // 'close' follows, and says all that there is to say.
    socket.on('error', () => undefined)
    socket.on('close', () => {
      this.onClose()
      const listeners = [...this.#listeners.values()]
      this.#listeners.clear()
      for (const listener of listeners) listener.onLost()
    })
  }

  begin(strings: string[], listener: Listener): Exchange {
    const id = this.#nextId++
    const send = (more: string[]): void => {
      if (!this.socket.destroyed) this.socket.write(encode({ id, strings: more }))
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
    if (this.socket.destroyed) queueMicrotask(() => listener.onLost())
    send(strings)
    const end = (): void => {
      this.#listeners.delete(id)
      detach()
    }
    const pause = (): void => void this.socket.pause()
    const resume = (): void => void this.socket.resume()
    return { send, detach, attach, end, pause, resume }
  }

  /** The helper reads the end, and goes; its own end of the socket then ends this one. */
  close(): void {
    this.socket.end()
  }
}

/** Starts the helper of one role at the first request. One for each Node environment. */
export class HelperClient {
  #conversation: Promise<Conversation> | undefined

  constructor(private readonly role: Role) {}

  /** Rejects with a KmodError where the helper cannot be started. */
  async begin(strings: string[], listener: Listener): Promise<Exchange> {
    this.#conversation ??= this.#start()
    const conversation = await this.#conversation
    return conversation.begin(strings, listener)
  }

  /** Lets the helper go. Whoever still waits for an answer is told that it is lost. */
  close(): void {
    this.#conversation?.then(
      (conversation) => conversation.close(),
      () => undefined,
    )
  }

  async #start(): Promise<Conversation> {
    try {
      const { native, helper } = load()
      const { socket } = unwrap(
        await native.spawnHelper(helper, this.role),
        `start the helper program ${helper}`,
      )
      return new Conversation(new Socket({ fd: socket, readable: true, writable: true }), () => {
        this.#conversation = undefined
        native.reapHelpers()
        // Its end of the socket goes a moment before the process does.
        setTimeout(() => native.reapHelpers(), 50).unref()
      })
    } catch (error) {
      this.#conversation = undefined
      throw error
    }
  }
}

/** The failure in a message that begins with `failure`. */
export function messageToFailure(strings: readonly string[]): NativeFailure {
  const [, failure, errno, errnoName, syscall, detail] = strings
  return {
    failure: failure as NativeFailure['failure'],
    errno: Number(errno),
    errnoName: errnoName ?? '',
    syscall: syscall ?? '',
    detail: detail ?? '',
  }
}
