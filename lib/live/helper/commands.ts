/** `remove` commands of modprobe.d, which the helper runs. */
import { constants } from 'node:os'
import { unwrap } from '../../kernel/failure'
import type { CommandRun } from '../../kernel/kernel'
import type { Exchange, HelperClient } from './client'
import { malformedMessage, Reader } from './wire'

type CommandEnd = Awaited<CommandRun['ended']>

/** A command in a process group of its own. `ended` rejects if the shell cannot be started. */
export class HelperCommand implements CommandRun {
  readonly ended: Promise<CommandEnd>
  readonly #exchange: Promise<Exchange>
  #finish!: (end: CommandEnd | Promise<CommandEnd>) => void

  constructor(client: HelperClient, module: string, command: string) {
    // RunRequest in native/helper/change_messages.h is the other end.
    this.#exchange = client.begin(['run', module, command], {
      onMessage: (message) => this.#receive(new Reader(message), module),
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

  #receive(reader: Reader, module: string): void {
    const kind = reader.text()
    if (kind === 'pid') return
    const end = readEnd(kind, reader, module)
    void this.#exchange.then((exchange) => exchange.end())
    this.#finish(end)
  }
}

const NO_END: CommandEnd = { exitCode: null, signal: null, output: '' }

/**
 * The last answer in native/helper/change_messages.h. Returns a rejected promise if the shell was not
 * started.
 */
function readEnd(kind: string, reader: Reader, module: string): CommandEnd | Promise<CommandEnd> {
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
      return Promise.resolve().then(() =>
        unwrap<never>(failure, `run the command of module ${module}`),
      )
    }
    default:
      throw malformedMessage(`"${kind}" is not an answer to a command`)
  }
}

function signalName(signal: number): string {
  const found = Object.entries(constants.signals).find(([, number]) => number === signal)
  return found?.[0] ?? `signal ${signal}`
}
