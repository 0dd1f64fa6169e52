/** Questions to a helper, each with one answer and a deadline. */
import { KmodError } from '../../contract/errors'
import type { KmodErrorCode } from '../../contract/types'
import type { NativeFailure } from '../../kernel/failure'
import { HelperClient, type Exchange, type Loss, type Role } from './client'
import { afterDeadline, noAnswerError, notWithin } from './deadline'
import { malformedMessage, Reader } from './wire'

export interface AskOptions {
  /** Rejects the question with ERR_KMOD_ABORTED. */
  signal?: AbortSignal | undefined
  /** Receives the fields of each message `part`, in order, before the answer. */
  onPart?: (reader: Reader) => void
}

interface Asked extends AskOptions {
  readonly strings: string[]
  readonly doing: string
  /** When it was asked, by the monotonic clock. */
  readonly since: number
  /** Null once it is settled. The helper may still be busy with it. */
  settle: { resolve(answer: Reader | NativeFailure): void; reject(error: unknown): void } | null
  exchange?: Exchange
}

/**
 * With this many helpers stuck in the kernel, no other one is started: it would probably be the next
 * one, and nothing can end them.
 */
const MOST_STUCK = 3

/** The signal of the kernel when memory runs out. */
const SIGKILL = 9

/**
 * A helper answers in the order of the questions. So if it does not answer, or ends, it is the first
 * unanswered question that it is busy with: that one fails, and the others are sent to another helper.
 */
export class Questions {
  readonly client: HelperClient
  /** Those that were sent and not answered, in the order in which they were sent. */
  #asked: Asked[] = []
  #stopWatching: () => void = () => undefined
  #answeredAt = -Infinity

  /**
   * `timeout`: milliseconds that one question may take. `lost`: the code and the explanation of the error
   * if the helper ends before it answers.
   */
  constructor(
    role: Role,
    readonly timeout: number,
    private readonly lost: { code: KmodErrorCode; why: string },
  ) {
    this.client = new HelperClient(role)
  }

  /** `doing` completes "Cannot ...". */
  ask(
    strings: string[],
    doing: string,
    { signal, onPart }: AskOptions = {},
  ): Promise<Reader | NativeFailure> {
    const { promise, settle } = deferred()
    if (signal?.aborted) {
      settle.reject(abortedError(doing, signal))
      return promise
    }
    const { stuck } = this.client
    if (stuck.length >= MOST_STUCK) {
      const why = `${stuck.length} helper programs that were asked before (${stuck.join(', ')}) are still inside the kernel`
      settle.reject(noAnswerError(doing, why))
      return promise
    }
    const asked: Asked = { strings, doing, since: performance.now(), settle }
    if (onPart !== undefined) asked.onPart = onPart
    if (signal !== undefined) {
      const abort = (): void => this.#abort(asked, abortedError(doing, signal))
      signal.addEventListener('abort', abort, { once: true })
      const forget = (): void => signal.removeEventListener('abort', abort)
      promise.then(forget, forget)
    }
    this.#send(asked)
    return promise
  }

  /** The error for a question that this helper does not answer. */
  noAnswer(doing: string): KmodError {
    return noAnswerError(doing, notWithin(this.timeout))
  }

  #send(asked: Asked): void {
    this.#asked.push(asked)
    if (this.#asked.length === 1) this.#watch()
    const begun = this.client.begin(asked.strings, {
      onMessage: (message) => this.#receive(asked, new Reader(message)),
      onLost: (loss) => this.#handleLoss(asked, loss),
    })
    begun.then(
      (exchange) => {
        asked.exchange = exchange
        if (asked.settle === null) exchange.detach()
      },
      (error: unknown) => {
        this.#reject(asked, error)
        this.#remove(asked)
      },
    )
  }

  #receive(asked: Asked, reader: Reader): void {
    const kind = reader.text()
    this.#answeredAt = performance.now()
    if (kind === 'part') {
      if (asked.settle !== null) asked.onPart?.(reader)
      this.#watch()
      return
    }
    if (kind !== 'failure' && kind !== 'done') {
      throw malformedMessage(`"${kind}" is not a kind of answer`)
    }
    const answer = kind === 'failure' ? reader.nativeFailure() : reader
    asked.settle?.resolve(answer)
    asked.settle = null
    asked.exchange?.end()
    this.#remove(asked)
  }

  #handleLoss(asked: Asked, loss: Loss): void {
    this.#remove(asked)
    if (asked.settle === null) return
    if (loss.isFirst && !this.client.isClosed) {
      this.#reject(asked, loss.error ?? this.#lostError(asked.doing, loss))
    } else if (this.#hasWaited(asked)) {
      this.#reject(asked, this.noAnswer(asked.doing))
    } else {
      // After close() this rejects.
      this.#send(asked)
    }
  }

  /** Whether it waits for as long as a question may take, and the helper has not answered any since. */
  #hasWaited({ since }: Asked): boolean {
    return performance.now() - Math.max(since, this.#answeredAt) >= this.timeout
  }

  /** Starts the deadline of the question that the helper is busy with. */
  #watch(): void {
    this.#stopWatching()
    const first = this.#asked[0]
    if (first === undefined) return
    this.#stopWatching = afterDeadline(this.timeout, () => {
      this.#reject(first, this.noAnswer(first.doing))
      void this.client.abandon()
    })
  }

  /** The helper may hang with it. If it waits behind another question, its answer is ignored later. */
  #abort(asked: Asked, error: KmodError): void {
    this.#reject(asked, error)
    if (this.#asked[0] === asked) void this.client.abandon()
    else asked.exchange?.detach()
  }

  #reject(asked: Asked, error: unknown): void {
    asked.settle?.reject(error)
    asked.settle = null
  }

  #remove(asked: Asked): void {
    const wasFirst = this.#asked[0] === asked
    if (wasFirst) this.#asked.shift()
    else this.#asked = this.#asked.filter((one) => one !== asked)
    if (wasFirst) this.#watch()
  }

  #lostError(doing: string, { signal }: Loss): KmodError {
    if (signal === SIGKILL) {
      return new KmodError(
        'ERR_KMOD_SYSTEM',
        `Cannot ${doing}: the helper program was killed (SIGKILL) before it answered. The kernel does ` +
          'that when memory runs out: see the kernel log.',
      )
    }
    return new KmodError(this.lost.code, `Cannot ${doing}: ${this.lost.why}`)
  }
}

interface Deferred {
  promise: Promise<Reader | NativeFailure>
  settle: NonNullable<Asked['settle']>
}

function deferred(): Deferred {
  let settle: Deferred['settle']
  const promise = new Promise<Reader | NativeFailure>((resolve, reject) => {
    settle = { resolve, reject }
  })
  return { promise, settle: settle! }
}

function abortedError(doing: string, signal: AbortSignal): KmodError {
  return new KmodError('ERR_KMOD_ABORTED', `Aborted while the call had to ${doing}.`, {
    cause: signal.reason,
  })
}
