/** How long a helper may take to answer. */
import { KmodError } from '../../contract/errors'
import { LONGEST_TIMER } from '../../kernel/clock'

/**
 * Calls a function after some milliseconds, or never with Infinity. Returns a function that prevents it.
 * It does not keep the Node process alive: the socket of a helper that somebody waits for does that.
 */
export function afterDeadline(milliseconds: number, onEnd: () => void): () => void {
  if (milliseconds === Infinity) return () => undefined
  let isPending = true
  const timer = setTimeout(
    () => {
      // If the event loop was blocked, the answer may have arrived. It is read before setImmediate().
      setImmediate(() => {
        if (isPending) onEnd()
      })
    },
    Math.min(milliseconds, LONGEST_TIMER),
  ).unref()
  return () => {
    isPending = false
    clearTimeout(timer)
  }
}

/** `question`: what the caller wanted to do, such as "read /proc/crypto". */
export function noAnswerError(question: string, why: string): KmodError {
  return new KmodError(
    'ERR_KMOD_NO_ANSWER',
    `Cannot ${question}: ${why}. What can cause it: a module that hangs while it holds a lock of the ` +
      'kernel, a file system whose server does not answer, a FIFO in place of a file. See the kernel ' +
      'log, and allow more time with new Kmod({ timeout }).',
    { question },
  )
}

export function notWithin(timeout: number): string {
  return `the system did not answer within ${timeout} ms`
}
