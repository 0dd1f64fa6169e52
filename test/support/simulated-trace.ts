/** A trace of references whose events come from the test. */
import type { ReferenceTrace } from '../../lib/kernel/kernel'
import type { ReferenceEvent } from '../../lib/contract/types'

interface Waiter {
  resolve: (event: ReferenceEvent | null) => void
  reject: (error: unknown) => void
}

export class SimulatedTrace implements ReferenceTrace {
  #events: ReferenceEvent[] = []
  #waiting: Waiter[] = []
  #failure: Error | undefined
  /** `close` waits until `leave` is called. */
  lingers = false
  state: 'open' | 'closing' | 'gone' = 'open'
  leave: () => void = () => undefined

  constructor(readonly module: string) {}

  /** Adds an event to the trace. */
  tell(event: Partial<ReferenceEvent> = {}): void {
    const whole: ReferenceEvent = {
      action: 'get',
      pid: 1,
      comm: 'init',
      caller: 'simulated_open',
      refCount: 1,
      at: new Date(0),
      ...event,
    }
    const waiter = this.#waiting.shift()
    if (waiter === undefined) this.#events.push(whole)
    else waiter.resolve(whole)
  }

  fail(error: Error): void {
    this.#failure = error
    for (const { reject } of this.#waiting.splice(0)) reject(error)
  }

  next(): Promise<ReferenceEvent | null> {
    const event = this.#events.shift()
    if (event !== undefined) return Promise.resolve(event)
    if (this.state !== 'open') return Promise.resolve(null)
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  async close(): Promise<void> {
    this.state = 'closing'
    this.#events = []
    for (const { resolve } of this.#waiting.splice(0)) resolve(null)
    if (this.lingers) await new Promise<void>((resolve) => (this.leave = resolve))
    this.state = 'gone'
  }
}
