/** A helper process and the conversation with it. */
import type { Socket } from 'node:net'
import { isKmodError, KmodError } from '../../contract/errors'
import { LONGEST_TIMER } from '../../kernel/clock'
import { unwrap } from '../../kernel/failure'
import { load, type NativeSocket } from '../native'
import { openSocket } from './socket'
import { Decoder, encode, malformedMessage } from './wire'

export type Role = 'queries' | 'files' | 'changes' | 'survey' | 'events' | 'trace' | 'watch'

/** Why the conversation ended before an exchange did. */
export interface Loss {
  /** Why this side ended it, if it did so because of a message. */
  error?: KmodError | undefined
  /** The signal that ended the helper; 0: it exited; `null`: this side gave it up, or not known. */
  signal: number | null
  /** The helper was busy with this exchange: all earlier ones have been answered. */
  isFirst: boolean
}

export interface Listener {
  /** May throw if it cannot understand the message; that ends the conversation with this error. */
  onMessage(strings: string[]): void
  onLost(loss: Loss): void
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
  readonly #whenEnded: (() => void)[] = []
  #nextId = 1
  #hasEnded = false
  #isRetired = false
  /** Why this side ended the conversation, if it did. */
  #error: KmodError | undefined

  /** `onEnd`: called once, before the listeners. */
  constructor(
    readonly pid: number,
    private readonly socket: Socket,
    private readonly onEnd: () => void,
  ) {
    socket.unref()
    socket.on('data', (piece: Buffer) => this.#receive(piece))
    // 'close' follows, and is handled below.
    socket.on('error', () => undefined)
    socket.on('close', () => void this.#closed())
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
    if (this.#hasEnded) queueMicrotask(() => listener.onLost({ signal: null, isFirst: false }))
    else this.#listeners.set(id, listener)
    attach()
    write(bytes)
    const send = (more: string[]): void => write(encode({ id, strings: more }))
    const end = (): void => {
      this.#listeners.delete(id)
      detach()
      this.#closeIfUnused()
    }
    const pause = (): void => void this.socket.pause()
    const resume = (): void => void this.socket.resume()
    return { send, detach, attach, end, pause, resume }
  }

  /**
   * Closes this end of the socket; the helper ends then, and with it the conversation. Resolves when it
   * has ended. A helper that has not ended after `timeout` milliseconds is given up.
   */
  close(timeout: number): Promise<void> {
    if (this.#hasEnded) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.abandon(), Math.min(timeout, LONGEST_TIMER)).unref()
      this.#whenEnded.push(() => {
        clearTimeout(timer)
        resolve()
      })
      this.socket.end()
    })
  }

  /** Closes it when the exchanges that have begun are over. */
  retire(): void {
    this.#isRetired = true
    this.#closeIfUnused()
  }

  /** Kills the helper, and does not wait for its end: it may be inside the kernel. */
  abandon(): void {
    load().native.killHelper(this.pid)
    this.socket.destroy()
    this.#finish(null)
  }

  #closeIfUnused(): void {
    if (this.#isRetired && this.#listeners.size === 0) this.socket.end()
  }

  async #closed(): Promise<void> {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.onEnd()
    // How the helper ended matters only to calls that wait for an answer.
    this.#finish(this.#listeners.size === 0 ? null : await signalOf(this.pid))
  }

  #finish(signal: number | null): void {
    if (!this.#hasEnded) this.onEnd()
    this.#hasEnded = true
    const listeners = [...this.#listeners.values()]
    this.#listeners.clear()
    listeners.forEach((listener, i) =>
      listener.onLost({ error: this.#error, signal, isFirst: i === 0 }),
    )
    for (const ended of this.#whenEnded.splice(0)) ended()
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

/** A helper closes its end of the socket a moment before the process ends. Milliseconds. */
const PAUSES_BEFORE_END = [0, 1, 5, 20, 80]

/** The signal that ended a helper whose socket is closed; 0: it exited; `null`: not known. */
async function signalOf(pid: number): Promise<number | null> {
  for (const pause of PAUSES_BEFORE_END) {
    await new Promise((resolve) => setTimeout(resolve, pause))
    const signal = load().native.helperSignal(pid)
    if (signal !== null) return signal
  }
  return null
}

/** How long a helper that was killed takes to end at most, if it is not inside the kernel. */
const END_AFTER_KILL = 1_000

/**
 * Starts the helper of one role at the first request. When the effective user of this process has
 * changed, the next request starts another one: a helper keeps the privileges with which it was started,
 * and does nothing for a process that has dropped them.
 */
export class HelperClient {
  #conversation: Promise<Conversation> | undefined
  /** The effective user of this process when the helper was started. */
  #user: number | undefined
  #isClosed = false
  #abandoned: { pid: number; at: number }[] = []

  /** `inherited`: a socket for the first helper. */
  constructor(
    private readonly role: Role,
    private inherited?: NativeSocket,
  ) {}

  /** Helpers that were killed, and that are still inside the kernel. */
  get stuck(): number[] {
    const { native } = this.#abandoned.length === 0 ? { native: null } : load()
    this.#abandoned = this.#abandoned.filter(({ pid }) => native!.isHelperRunning(pid))
    const latest = performance.now() - END_AFTER_KILL
    return this.#abandoned.filter(({ at }) => at < latest).map(({ pid }) => pid)
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Rejects with a KmodError if the helper cannot be started, and with ERR_KMOD_ABORTED after close(). */
  async begin(strings: string[], listener: Listener): Promise<Exchange> {
    if (this.#isClosed) throw new KmodError('ERR_KMOD_ABORTED', 'Aborted: close() was called.')
    if (this.#conversation !== undefined && process.geteuid?.() !== this.#user) this.#retire()
    this.#conversation ??= this.#start()
    const conversation = await this.#conversation
    return conversation.begin(strings, listener)
  }

  /**
   * Ends the helper. Calls `onLost` of the listeners that still wait for an answer. Resolves when the
   * helper has ended, at the latest after `timeout` milliseconds; then it is killed.
   */
  async close(timeout: number): Promise<void> {
    this.#isClosed = true
    const conversation = await this.#take()
    await conversation?.close(timeout)
  }

  /** Kills the helper and does not wait for it. Calls `onLost` as `close` does. */
  async abandon(): Promise<void> {
    const conversation = await this.#take()
    if (conversation === undefined) return
    this.#abandoned.push({ pid: conversation.pid, at: performance.now() })
    conversation.abandon()
  }

  #retire(): void {
    void this.#take().then((conversation) => conversation?.retire())
  }

  /** The next request starts another helper. */
  #take(): Promise<Conversation | undefined> {
    const conversation = this.#conversation ?? Promise.resolve(undefined)
    this.#conversation = undefined
    return conversation.catch(() => undefined)
  }

  #start(): Promise<Conversation> {
    this.#user = process.geteuid?.()
    const started = this.#spawn(() => this.#forget(started))
    started.catch(() => this.#forget(started))
    return started
  }

  #forget(conversation: Promise<Conversation>): void {
    if (this.#conversation === conversation) this.#conversation = undefined
  }

  async #spawn(onEnd: () => void): Promise<Conversation> {
    const { native, helper } = load()
    const { inherited } = this
    this.inherited = undefined
    const handle = unwrap(
      await native.spawnHelper(helper, this.role, inherited),
      `start the helper program ${helper}`,
    )
    const { pid, socket: fd } = native.takeHelper(handle)
    return new Conversation(pid, openSocket(fd), () => {
      onEnd()
      native.reapHelpers()
      // The helper closes its end of the socket a moment before the process ends.
      setTimeout(() => native.reapHelpers(), 50).unref()
    })
  }
}
