/** Questions to a helper, each with one answer. */
import { KmodError } from '../../contract/errors'
import type { KmodErrorCode } from '../../contract/types'
import type { NativeFailure } from '../../kernel/failure'
import { HelperClient, type Role } from './client'
import { malformedMessage, Reader } from './wire'

/** Asks one question at a time: if the helper ends, it is clear which question it did not answer. */
export class Questions {
  readonly #client: HelperClient
  /** The last question asked; the next one waits for it. */
  #queue: Promise<unknown> = Promise.resolve()

  /** `lost`: the code and the explanation of the error if the helper ends before it answers. */
  constructor(
    role: Role,
    private readonly lost: { code: KmodErrorCode; why: string },
  ) {
    this.#client = new HelperClient(role)
  }

  /** `doing` completes "Cannot ...". */
  ask(strings: string[], doing: string): Promise<Reader | NativeFailure> {
    const answer = this.#queue.then(() => this.#exchange(strings, doing))
    this.#queue = answer.catch(() => undefined)
    return answer
  }

  async #exchange(strings: string[], doing: string): Promise<Reader | NativeFailure> {
    const answer = await new Promise<string[]>((resolve, reject) => {
      const begun = this.#client.begin(strings, {
        onMessage: (message) => {
          void begun.then((exchange) => exchange.end())
          resolve(message)
        },
        onLost: (error) =>
          reject(error ?? new KmodError(this.lost.code, `Cannot ${doing}: ${this.lost.why}`)),
      })
      begun.catch(reject)
    })
    const reader = new Reader(answer)
    const kind = reader.text()
    if (kind === 'failure') return reader.nativeFailure()
    if (kind !== 'done') throw malformedMessage(`"${kind}" is not a kind of answer`)
    return reader
  }
}
