/** How often references to modules are taken. native/helper/trace.cc is the other end. */
import { isKmodError, KmodError } from '../../contract/errors'
import type { UseCount } from '../../kernel/kernel'
import { HelperClient, type Exchange } from './client'
import { Reader } from './wire'

/** The kernel counts in a tracing instance of its own, which the helper removes when it ends. */
export class HelperUseCount implements UseCount {
  readonly #client = new HelperClient('trace')
  /** Resolves when the helper has ended. */
  #ended: Promise<void> = Promise.resolve()
  #end: () => void = () => undefined

  async read(): ReturnType<UseCount['read']> {
    const reader = await this.#ask().catch((error: unknown) => {
      if (!isKmodError(error)) throw error
      return null
    })
    if (reader?.text() !== 'done') return null
    const complete = reader.flag()
    const uses = reader.records((one): [string, number] => [one.text(), one.number()])
    return { complete, uses: new Map(uses) }
  }

  close(): Promise<void> {
    this.#client.close()
    return this.#ended
  }

  async #ask(): Promise<Reader> {
    const answer = await new Promise<string[]>((resolve, reject) => {
      const lost = (error?: KmodError): void =>
        reject(error ?? new KmodError('ERR_KMOD_SYSTEM', 'The helper program ended.'))
      const begun: Promise<Exchange> = this.#client.begin(['uses'], {
        onMessage: (message) => {
          resolve(message)
          void begun.then((exchange) => exchange.detach())
        },
        onLost: (error) => {
          lost(error)
          this.#end()
        },
      })
      this.#ended = new Promise((resolve) => (this.#end = resolve))
      begun.catch((error: unknown) => {
        reject(error)
        this.#end()
      })
    })
    return new Reader(answer)
  }
}
