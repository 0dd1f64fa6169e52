/** Removals and insertions, each of which the helper makes in a separate process. */
import type { KmodError } from '../../contract/errors'
import { parameterString } from '../../contract/parameters'
import type { Change, ChangeEnd, InsertRequest } from '../../kernel/kernel'
import type { SystemFiles } from '../../kernel/system-files'
import type { Exchange, HelperClient } from './client'
import { afterDeadline, noAnswerError, notWithin } from './deadline'
import type { IndexSource } from '../../kernel/index-source'
import { sourceStrings } from './queries'
import { flagString, malformedMessage, Reader } from './wire'

/** What a change needs: one helper for all changes, which has a child process for each request. */
export interface ChangeSource {
  readonly client: HelperClient
  /** For the kernel stack of a change; a file that does not answer is missing in them. */
  readonly files: SystemFiles
  /** Milliseconds until the helper must have begun. */
  readonly timeout: number
}

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
  readonly #files: SystemFiles
  #finish!: (end: ChangeEnd) => void
  #fail!: (error: KmodError) => void

  constructor({ client, files, timeout }: ChangeSource, request: string[]) {
    this.#files = files
    // It only has to give the request to a process. If it does not, it will not do anything else.
    const stopWaiting = afterDeadline(timeout, () => {
      this.#fail(noAnswerError('begin a change of the kernel', notWithin(timeout)))
      void client.abandon()
    })
    this.#exchange = client.begin(request, {
      onMessage: (message) => {
        stopWaiting()
        this.#receive(new Reader(message))
      },
      onLost: () => this.#finish({ outcome: 'lost' }),
    })
    this.ended = new Promise((resolve, reject) => {
      this.#finish = resolve
      this.#fail = reject
      this.#exchange.catch(reject)
    })
    this.ended.then(stopWaiting, stopWaiting)
  }

  async stack(): Promise<string | null> {
    if (this.pid === undefined) return null
    const [text] = await this.#files.readTexts([`/proc/${this.pid}/stack`])
    return text === undefined || text === '' ? null : text
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
