/** The pauses between readings of the system, up to one deadline for the whole call. */
import { waitFor } from '../change/waiting'
import type { Kernel } from '../kernel/kernel'

/**
 * Milliseconds. A reference count must be read repeatedly: poll(2) on its file in sysfs never reports
 * a change. The kernel reports most other changes.
 */
const SHORTEST_PAUSE = 5
const LONGEST_PAUSE = 250

export class Polling {
  readonly #deadline: number
  #pause = SHORTEST_PAUSE
  #wake: () => void = () => undefined
  #removeListener: (() => void) | undefined

  constructor(
    private readonly kernel: Kernel,
    /** Milliseconds. */
    readonly timeout: number,
    private readonly signal: AbortSignal | undefined,
  ) {
    this.#deadline = kernel.clock.now() + timeout
  }

  get isOver(): boolean {
    return this.remaining === 0
  }

  /** Milliseconds until the deadline. */
  get remaining(): number {
    return Math.max(0, this.#deadline - this.kernel.clock.now())
  }

  /** Must be called when something has changed: the next pauses are short again. */
  restart(): void {
    this.#pause = SHORTEST_PAUSE
  }

  /** Waits until the kernel reports a change, the pause or the time is over, or the signal aborts. */
  async pause(): Promise<void> {
    this.#removeListener ??= this.kernel.onChange(() => {
      this.restart()
      this.#wake()
    })
    const changed = new Promise<void>((resolve) => {
      this.#wake = resolve
    })
    const timeout = Math.min(this.#pause, this.remaining)
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE)
    await waitFor(this.kernel.clock, changed, { timeout, signal: this.signal })
  }

  /** Stops listening to the kernel. */
  end(): void {
    this.#removeListener?.()
    this.#removeListener = undefined
  }
}
