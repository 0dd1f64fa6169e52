/** Errors of the virtual machine. */
import { KmodError } from '../contract/errors'
import { abortedError } from '../change/waiting'

/** `console`: the end of what the guest's kernel printed; `''` if there was no guest yet. */
export function vmError(message: string, console = '', cause?: unknown): KmodError {
  return new KmodError('ERR_KMOD_VM', message, { console, cause })
}

/**
 * A signal that aborts with the caller's signal, and when a time is over. `doing` is the subject of the
 * messages, such as "Preparing the kernel 6.12".
 */
export class Limit {
  readonly #controller = new AbortController()
  readonly #timer: NodeJS.Timeout
  readonly #abort = (): void => {
    this.#controller.abort(abortedError(this.outer!, `${this.doing} was aborted.`))
  }

  constructor(
    private readonly doing: string,
    milliseconds: number,
    private readonly outer: AbortSignal | undefined,
    overdue = (): KmodError => vmError(`${doing} did not end within ${milliseconds / 1000} s.`),
  ) {
    this.#timer = setTimeout(
      () => this.#controller.abort(overdue()),
      Math.min(milliseconds, MAX_TIMER),
    )
    if (outer?.aborted) this.#abort()
    else outer?.addEventListener('abort', this.#abort)
  }

  /** Its reason is the KmodError to reject with. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  abort(error: KmodError): void {
    this.#controller.abort(error)
  }

  /** Throws the reason if the signal has aborted. */
  check(): void {
    if (this.signal.aborted) throw this.signal.reason as KmodError
  }

  /** Removes the timer and the listener. */
  end(): void {
    clearTimeout(this.#timer)
    this.outer?.removeEventListener('abort', this.#abort)
  }
}

/** setTimeout() takes no more: 24 days. */
const MAX_TIMER = 2 ** 31 - 1
