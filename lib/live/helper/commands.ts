/** Commands of modprobe.d, run by the helper. */
import { constants } from 'node:os'
import { unwrap } from '../../kernel/failure'
import type { CommandRun } from '../../kernel/kernel'
import { changesClient } from './changes'
import { messageToFailure, type Exchange } from './client'

type CommandEnd = Awaited<CommandRun['ended']>

/** In a process group of its own; rejects where the shell cannot be started. */
export class HelperCommand implements CommandRun {
  readonly ended: Promise<CommandEnd>
  readonly #exchange: Promise<Exchange>
  #finish!: (end: CommandEnd | Promise<CommandEnd>) => void

  constructor(module: string, command: string) {
    this.#exchange = changesClient.begin(['run', module, command], {
      onMessage: (message) => this.#hear(message, module),
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

  #hear(message: string[], module: string): void {
    if (message[0] === 'pid' || message[0] === 'attempt') return
    void this.#exchange.then((exchange) => exchange.end())
    // A shell that could not be started is a rejection.
    this.#finish(Promise.resolve().then(() => toEnd(message, module)))
  }
}

const NO_END: CommandEnd = { exitCode: null, signal: null, output: '' }

function toEnd(message: string[], module: string): CommandEnd {
  const [kind, exitCode = '', signal = '', output = ''] = message
  // The whole group was ended, and with it the process that would have told what was printed.
  if (kind === 'killed') return { ...NO_END, signal: signalName(Number(exitCode)) }
  if (kind !== 'ran') {
    return unwrap<never>(messageToFailure(message), `run the command of module ${module}`)
  }
  return signal === ''
    ? { exitCode: Number(exitCode), signal: null, output }
    : { exitCode: null, signal: signalName(Number(signal)), output }
}

function signalName(signal: number): string {
  const found = Object.entries(constants.signals).find(([, number]) => number === signal)
  return found?.[0] ?? `signal ${signal}`
}
