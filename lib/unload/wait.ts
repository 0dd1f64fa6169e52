/** Waiting for what can pass, up to one deadline for the whole call. */
import type { Kernel } from '../kernel/kernel'

/** A reference count can only be polled; everything else wakes sooner. */
const SHORTEST = 5
const LONGEST = 250

export class Waiting {
  readonly #deadline: number
  #pause = SHORTEST
  #wake: AbortController | undefined
  #ignore: (() => void) | undefined

  constructor(
    private readonly kernel: Kernel,
    /** Milliseconds. */
    readonly allowed: number,
    private readonly signal: AbortSignal | undefined,
  ) {
    this.#deadline = kernel.clock.now() + allowed
  }

  get isOver(): boolean {
    return this.kernel.clock.now() >= this.#deadline
  }

  /** Milliseconds until the deadline. */
  get left(): number {
    return Math.max(0, this.#deadline - this.kernel.clock.now())
  }

  /** The next pauses are short again: something has moved. */
  startOver(): void {
    this.#pause = SHORTEST
  }

  /** Until it is worth another try, the deadline, or the signal. */
  async pause(): Promise<void> {
    this.#ignore ??= this.kernel.onChange(() => {
      this.startOver()
      this.#wake?.abort()
    })
    if (this.signal?.aborted) return
    const wake = new AbortController()
    const over = new AbortController()
    this.#wake = wake
    this.signal?.addEventListener('abort', () => wake.abort(), { signal: over.signal })
    const pause = Math.min(this.#pause, this.left)
    this.#pause = Math.min(this.#pause * 2, LONGEST)
    await this.kernel.clock.sleep(pause, wake.signal)
    over.abort()
  }

  /** Stops listening to the kernel. */
  end(): void {
    this.#ignore?.()
    this.#ignore = undefined
  }
}
