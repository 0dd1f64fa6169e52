/** A clock that advances as fast as a test runs, or as the test says. */
import type { Clock } from '../kernel/kernel'

interface Sleeper {
  at: number
  wake: () => void
}

export class SimulatedClock implements Clock {
  #now = 0
  #sleepers: Sleeper[] = []

  /** `manual`: time passes only by `advance`. */
  constructor(private readonly mode: 'automatic' | 'manual' = 'automatic') {}

  now(): number {
    return this.#now
  }

  sleep(delay: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const wake = (): void => {
        signal?.removeEventListener('abort', wake)
        this.#sleepers = this.#sleepers.filter((one) => one !== sleeper)
        resolve()
      }
      const sleeper = { at: this.#now + delay, wake }
      this.#sleepers.push(sleeper)
      signal?.addEventListener('abort', wake)
      if (this.mode === 'automatic') this.#wakeNext()
    })
  }

  /** Lets so many milliseconds pass. Resolves when everything that can run then has run. */
  async advance(delay: number): Promise<void> {
    const end = this.#now + delay
    await idle()
    for (let next = this.#next(); next !== undefined && next.at <= end; next = this.#next()) {
      this.#wake(next)
      await idle()
    }
    this.#now = Math.max(this.#now, end)
  }

  /** The clock advances to the next sleeper when everything else that can run has run. */
  #wakeNext(): void {
    setImmediate(() => {
      const next = this.#next()
      if (next !== undefined && next.at !== Infinity) this.#wake(next)
    })
  }

  #next(): Sleeper | undefined {
    return this.#sleepers.reduce<Sleeper | undefined>(
      (earliest, one) => (earliest === undefined || one.at < earliest.at ? one : earliest),
      undefined,
    )
  }

  #wake(sleeper: Sleeper): void {
    this.#now = Math.max(this.#now, sleeper.at)
    sleeper.wake()
  }
}

/** Resolves when no promise is left that could go on: nothing here waits for anything outside. */
function idle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
