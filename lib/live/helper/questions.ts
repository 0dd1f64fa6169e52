/** Questions to a helper, each with one answer. */
import { KmodError } from '../../contract/errors'
import type { NativeFailure } from '../../kernel/failure'
import type { KmodErrorCode } from '../../contract/types'
import { HelperClient, messageToFailure, type Role } from './client'
import { Reader } from './wire'

/** One at a time: should the helper end over one, it is clear over which. */
export class Questions {
  readonly #client: HelperClient
  /** The last question asked; the next one waits for it. */
  #queue: Promise<unknown> = Promise.resolve()

  /** `lost`: the code and the explanation of the error for a helper that ended over a question. */
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
    const answer = await new Promise<string[] | null>((resolve, reject) => {
      const begun = this.#client.begin(strings, {
        onMessage: (message) => {
          void begun.then((exchange) => exchange.end())
          resolve(message)
        },
        onLost: () => resolve(null),
      })
      begun.catch(reject)
    })
    if (answer === null) throw new KmodError(this.lost.code, `Cannot ${doing}: ${this.lost.why}`)
    if (answer[0] === 'failure') return messageToFailure(answer)
    const reader = new Reader(answer)
    reader.text() // "done"
    return reader
  }
}
