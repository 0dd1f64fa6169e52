/** Programs and `remove` commands of modprobe.d, which the helper runs. */
import { constants } from 'node:os'
import { unwrap } from '../../kernel/failure'
import type { CommandRun } from '../../kernel/kernel'
import { changesClient } from './changes'
import type { Exchange } from './client'
import { listStrings, malformedMessage, Reader } from './wire'

type CommandEnd = Awaited<CommandRun['ended']>

// The requests. ReadChangeRequest() in native/helper/change_messages.cc is the other end.

export function commandRequest(module: string, command: string): string[] {
  return ['run', module, command]
}

export function programRequest(argv: readonly string[]): string[] {
  return ['program', ...listStrings(argv)]
}

/** A command in a process group of its own. `ended` rejects if it cannot be started. */
export class HelperCommand implements CommandRun {
  readonly ended: Promise<CommandEnd>
  readonly #exchange: Promise<Exchange>
  #finish!: (end: CommandEnd | Promise<CommandEnd>) => void

  /** `doing` completes "Cannot ...". */
  constructor(request: string[], doing: string) {
    this.#exchange = changesClient.begin(request, {
      onMessage: (message) => this.#receive(new Reader(message), doing),
      onLost: () => this.#finish({ ...NO_END, output: 'The helper program ended.' }),
    })
    this.ended = new Promise((resolve, reject) => {
      this.#finish = resolve
      this.#exchange.catch(reject)
    })
  }

  kill(): void {
    this.#exchange.then(
      (exchange) => exchange.send(['kill']),
      () => undefined,
    )
  }

  #receive(reader: Reader, doing: string): void {
    const kind = reader.text()
    if (kind === 'pid') return
    const end = readEnd(kind, reader, doing)
    void this.#exchange.then((exchange) => exchange.end())
    this.#finish(end)
  }
}

const NO_END: CommandEnd = { exitCode: null, signal: null, output: '' }

/**
 * The last answer in native/helper/change_messages.h. Returns a rejected promise if the command was not
 * started.
 */
function readEnd(kind: string, reader: Reader, doing: string): CommandEnd | Promise<CommandEnd> {
  switch (kind) {
    case 'ran': {
      const exitCode = reader.number()
      const signal = reader.number()
      const output = reader.text()
      return signal === 0
        ? { exitCode, signal: null, output }
        : { exitCode: null, signal: signalName(signal), output }
    }
    case 'killed':
      // The whole process group was killed, with the process that would have returned the output.
      return { ...NO_END, signal: signalName(reader.number()) }
    case 'failure': {
      const failure = reader.nativeFailure()
      return Promise.resolve().then(() => unwrap<never>(failure, doing))
    }
    default:
      throw malformedMessage(`"${kind}" is not an answer to a command`)
  }
}

function signalName(signal: number): string {
  const found = Object.entries(constants.signals).find(([, number]) => number === signal)
  return found?.[0] ?? `signal ${signal}`
}
