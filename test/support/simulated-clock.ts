/** A clock that advances as fast as a test runs. */
import type { Clock } from '../../lib/kernel/kernel'

interface Sleeper {
  at: number
  wake: () => void
}

export class SimulatedClock implements Clock {
  #now = 0
  #sleepers: Sleeper[] = []

  now(): number {
    return this.#now
  }

  sleep(delay: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const sleeper = { at: this.#now + delay, wake: resolve }
      this.#sleepers.push(sleeper)
      signal?.addEventListener('abort', () => {
        this.#sleepers = this.#sleepers.filter((one) => one !== sleeper)
        resolve()
      })
      this.#wakeNext()
    })
  }

  /** The clock advances to the next sleeper when everything else that can run has run. */
  #wakeNext(): void {
    setImmediate(() => {
      const next = this.#sleepers.reduce<Sleeper | undefined>(
        (earliest, one) => (earliest === undefined || one.at < earliest.at ? one : earliest),
        undefined,
      )
      if (next === undefined || next.at === Infinity) return
      this.#sleepers = this.#sleepers.filter((one) => one !== next)
      this.#now = Math.max(this.#now, next.at)
      next.wake()
    })
  }
}
