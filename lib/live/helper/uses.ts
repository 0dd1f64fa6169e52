/** How often references to modules are taken. native/helper/trace.cc is the other end. */
import { isKmodError } from '../../contract/errors'
import { LONGEST_TIMER } from '../../kernel/clock'
import { isFailure } from '../../kernel/failure'
import type { UseCount } from '../../kernel/kernel'
import { Questions } from './questions'
import type { Reader } from './wire'

/** The kernel counts in a tracing instance of its own, which the helper removes when it ends. */
export class HelperUseCount implements UseCount {
  readonly #questions: Questions
  /** Resolves when the count is over. */
  readonly ended: Promise<void>
  #end!: () => void

  /** `timeout`: milliseconds that the helper may take to answer, and to end. */
  constructor(timeout: number) {
    this.#questions = new Questions('trace', timeout, {
      code: 'ERR_KMOD_SYSTEM',
      why: 'the helper program that counts the uses of modules ended before it answered. Try again.',
    })
    this.ended = new Promise((resolve) => (this.#end = resolve))
  }

  async read(): ReturnType<UseCount['read']> {
    const reader = await this.#ask()
    // After the end of its helper, the count begins again.
    const isFirst = reader?.flag() ?? true
    if (reader === null || isFirst) return null
    const complete = reader.flag()
    const uses = reader.records((one): [string, number] => [one.text(), one.number()])
    return { complete, uses: new Map(uses) }
  }

  /** `limit`: milliseconds that the helper may take to end. */
  async close(limit = this.#questions.timeout): Promise<void> {
    // The socket does not keep the process alive until the helper has ended.
    const keepAlive = setTimeout(() => undefined, Math.min(limit, LONGEST_TIMER))
    await this.#questions.client.close(limit)
    clearTimeout(keepAlive)
    this.#end()
  }

  async #ask(): Promise<Reader | null> {
    try {
      const answer = await this.#questions.ask(['uses'], 'count the uses of modules')
      return isFailure(answer) ? null : answer
    } catch (error) {
      if (!isKmodError(error)) throw error
      return null
    }
  }
}
