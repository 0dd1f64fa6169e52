#!/usr/bin/env node
/** The command line: reads the arguments, runs one verb, prints its answer, sets the exit status. */
import { CommanderError, InvalidArgumentError } from 'commander'
import { Kmod, type KmodOptions } from '../index'
import { ABORTED, DONE, statusOf } from './exit-status'
import { pick, SYSTEM_OPTIONS } from './options'
import { parse } from './program'
import { Screen } from './screen'
import { commandAfterError, commandToReadMore } from './sudo'
import { errorJson, errorText } from './text/error'
import type { Answer, Call } from './verb'

/** Aborts at the first signal. The second one ends the process as usual. */
function abortAtSignals(): AbortController {
  const controller = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(name, () => controller.abort(new Error(`The process received ${name}.`)))
  }
  return controller
}

async function main(args: readonly string[]): Promise<number> {
  const controller = abortAtSignals()
  let isFollowing = false
  let kmod: Kmod | undefined
  // When the reader has closed the output, a verb that has no end of its own ends. A change is not interrupted.
  const out = new Screen(process.stdout, () => isFollowing && controller.abort())
  const err = new Screen(process.stderr)
  // The parsed arguments cannot answer this, because the parser can fail too.
  const json = ownArguments(args).includes('--json')
  try {
    const { verb, options, ...request } = parse(args, {
      out: (text) => out.write(text),
      err: (text) => json || err.write(text),
    })
    const { signal } = controller
    const own: KmodOptions = pick(options, SYSTEM_OPTIONS)
    // Without options it loads what it needs at its first call only; `completion` makes none.
    kmod = new Kmod(Object.keys(own).length === 0 ? undefined : own)
    const call: Call = { ...request, kmod, options, json, signal, out, err }
    const answers = verb.run(call)
    if (answers instanceof Promise) {
      const answer = await answers
      const more = options.root === undefined ? commandToReadMore(answer.value, args) : null
      const status = print(call, answer)
      if (more !== null && !json) err.print(`\nRoot can read more: ${err.paint.cyan(more)}`)
      return status
    }
    isFollowing = true
    for await (const answer of answers) {
      print(call, answer)
      await out.drained(signal)
    }
    return DONE
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return DONE
    if (isFollowing && out.isClosed) return DONE
    // Ctrl-C is how a verb without an end of its own is ended: nothing is wrong.
    if (isFollowing && statusOf(error) === ABORTED) return ABORTED
    if (json) out.print(JSON.stringify({ error: errorJson(error) }))
    else if (!isPrinted(error)) err.print(errorText(err, error, commandAfterError(error, args)))
    return statusOf(error)
  } finally {
    // Its helper programs end, and the mirror of a captured system is deleted, before this process ends.
    await kmod?.close()
  }
}

/** The arguments before `--`: what follows belongs to a command that `vm` runs. */
function ownArguments(args: readonly string[]): readonly string[] {
  const end = args.indexOf('--')
  return end < 0 ? args : args.slice(0, end)
}

/** commander prints the errors that it throws; InvalidArgumentError is thrown by this program. */
function isPrinted(error: unknown): boolean {
  return error instanceof CommanderError && !(error instanceof InvalidArgumentError)
}

function print({ json, out, err }: Call, answer: Answer): number {
  const { value, text, note = '', status = DONE } = answer
  out.print(json ? JSON.stringify(value) : text())
  err.print(note)
  return status
}

// Not process.exit(): what was written to a pipe may not have left this process yet.
void main(process.argv.slice(2)).then((status) => {
  // An output that failed has set it already.
  process.exitCode ??= status
})
