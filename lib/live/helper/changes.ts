/** Removals and insertions, each of which the helper makes in a separate process. */
import { parameterString } from '../../contract/parameters'
import { isFailure } from '../../kernel/failure'
import type { Change, ChangeEnd, InsertRequest } from '../../kernel/kernel'
import { load } from '../native'
import { HelperClient, type Exchange } from './client'
import type { IndexSource } from '../../kernel/index-source'
import { sourceStrings } from './queries'
import { flagString, malformedMessage, Reader } from './wire'

/** One helper for everything that changes the kernel; it has a child process for each request. */
export const changesClient = new HelperClient('changes')

// The requests. ReadChangeRequest() in native/helper/change_messages.cc is the other end.

export function removeRequest(name: string, force: boolean): string[] {
  return ['remove', name, flagString(force)]
}

export function insertRequest(
  source: IndexSource,
  { what, module, mustBeNew, parameters }: InsertRequest,
): string[] {
  const isFile = typeof what !== 'string'
  return [
    'insert',
    ...sourceStrings(source),
    isFile ? what.file : what,
    flagString(isFile),
    module,
    flagString(mustBeNew),
    parameterString(parameters),
  ]
}

export function setRequest(module: string, parameter: string, value: string): string[] {
  return ['set', module, parameter, value]
}

/** A removal, an insertion or the setting of a parameter that the helper was asked for. */
export class HelperChange implements Change {
  readonly ended: Promise<ChangeEnd>
  readonly attempts: { module: string; command: boolean }[] = []
  pid: number | undefined
  readonly #exchange: Promise<Exchange>
  #finish!: (end: ChangeEnd) => void

  constructor(request: string[]) {
    this.#exchange = changesClient.begin(request, {
      onMessage: (message) => this.#receive(new Reader(message)),
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

  /** The answers are those in native/helper/change_messages.h. */
  #receive(reader: Reader): void {
    const kind = reader.text()
    if (kind === 'pid') {
      this.pid = reader.number()
    } else if (kind === 'attempt') {
      this.attempts.push({ module: reader.text(), command: reader.flag() })
    } else {
      const end = readEnd(kind, reader)
      void this.#exchange.then((exchange) => exchange.end())
      this.#finish(end)
    }
  }
}

function readEnd(kind: string, reader: Reader): ChangeEnd {
  switch (kind) {
    case 'done':
      return { outcome: 'done' }
    case 'killed':
      return { outcome: 'killed', signal: reader.number() }
    case 'failure':
      return { outcome: 'refused', failure: reader.nativeFailure() }
    default:
      throw malformedMessage(`"${kind}" is not an answer to a change`)
  }
}
