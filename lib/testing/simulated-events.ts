/** Sources of events that come from the test. */
import type { EventSource } from '../kernel/kernel'
import type { ReferenceEvent } from '../contract/types'

interface Waiter<Event> {
  resolve: (event: Event | null) => void
  reject: (error: unknown) => void
}

export class SimulatedEvents<Event> implements EventSource<Event> {
  #events: Event[] = []
  #waiting: Waiter<Event>[] = []
  #failure: Error | undefined
  /** `close` waits until `leave` is called. */
  lingers = false
  state: 'open' | 'closing' | 'gone' = 'open'
  leave: () => void = () => undefined

  add(event: Event): void {
    const waiter = this.#waiting.shift()
    if (waiter === undefined) this.#events.push(event)
    else waiter.resolve(event)
  }

  fail(error: Error): void {
    this.#failure = error
    for (const { reject } of this.#waiting.splice(0)) reject(error)
  }

  next(): Promise<Event | null> {
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

/** A trace of references. */
export class SimulatedTrace extends SimulatedEvents<ReferenceEvent> {
  constructor(readonly module: string) {
    super()
  }

  /** Adds an event to the trace. */
  tell(event: Partial<ReferenceEvent> = {}): void {
    this.add({
      action: 'get',
      pid: 1,
      comm: 'init',
      caller: 'simulated_open',
      refCount: 1,
      at: new Date(0),
      ...event,
    })
  }
}
