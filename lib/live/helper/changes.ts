/** Removals and insertions, made by the helper in processes of their own. */
import type { Change, ChangeEnd } from '../../kernel/kernel'
import { isFailure } from '../../kernel/failure'
import { load } from '../native'
import { HelperClient, messageToFailure, type Exchange } from './client'

/** For all that is done to the kernel: one helper, with a child process for each request. */
export const changesClient = new HelperClient('changes')

/** A change that was asked of the helper; what can be asked stands in native/helper/changes.cc. */
export class HelperChange implements Change {
  readonly ended: Promise<ChangeEnd>
  readonly attempts: { module: string; command: boolean }[] = []
  pid: number | undefined
  readonly #exchange: Promise<Exchange>
  #finish!: (end: ChangeEnd) => void

  constructor(strings: string[]) {
    this.#exchange = changesClient.begin(strings, {
      onMessage: (message) => this.#hear(message),
      onLost: () => this.#finish({ outcome: 'lost' }),
    })
    this.ended = new Promise((resolve, reject) => {
      this.#finish = resolve
      this.#exchange.catch(reject)
    })
  }

  async stack(): Promise<string | null> {
    if (this.pid === undefined) return null
    const [text] = await load().native.readFiles([`/proc/${this.pid}/stack`])
    return text === undefined || isFailure(text) || text === '' ? null : text
  }

  kill(): void {
    this.#exchange.then(
      (exchange) => exchange.send(['kill']),
      () => undefined,
    )
  }

  detach(): void {
    this.#exchange.then(
      (exchange) => exchange.detach(),
      () => undefined,
    )
  }

  #hear(message: string[]): void {
    const [kind, first = '', second] = message
    if (kind === 'pid') {
      this.pid = Number(first)
    } else if (kind === 'attempt') {
      this.attempts.push({ module: first, command: second === '1' })
    } else {
      void this.#exchange.then((exchange) => exchange.end())
      this.#finish(toEnd(message))
    }
  }
}

function toEnd(message: string[]): ChangeEnd {
  if (message[0] === 'done') return { outcome: 'done' }
  if (message[0] === 'killed') return { outcome: 'killed', signal: Number(message[1]) }
  return { outcome: 'refused', failure: messageToFailure(message) }
}
