/** Events of the kernel that may end a wait. native/helper/events.cc is the other end. */
import { HelperClient } from './client'

/** One conversation with the helper, which all listeners of a kernel object share. */
class Watch {
  readonly client = new HelperClient('events')
  readonly listeners = new Set<() => void>()

  constructor(private readonly onLost: () => void) {
    void this.#start()
  }

  async #start(): Promise<void> {
    try {
      const exchange = await this.client.begin(['watch'], {
        onMessage: ([kind]) => {
          // `ready` counts as an event, because changes before the watch was open were not reported.
          if (kind !== 'failure') for (const listener of [...this.listeners]) listener()
        },
        onLost: this.onLost,
      })
      exchange.detach()
    } catch {
      // Without a helper there are no events. Callers poll anyway.
      this.onLost()
    }
  }
}

export class KernelEvents {
  #watch: Watch | undefined

  /** `timeout`: milliseconds that the helper may take to end. */
  constructor(private readonly timeout: number) {}

  /**
   * Calls `listener` when a module, a network interface or a mount appears or disappears, and once when
   * the watch is open. Returns a function that removes the listener. Where the kernel has no such
   * events, the listener is not called. Does not keep the Node process alive.
   */
  onChange(listener: () => void): () => void {
    const watch = (this.#watch ??= this.#begin())
    // A new function for each call, because a Set would hold a listener that is given twice only once.
    const entry = (): void => listener()
    watch.listeners.add(entry)
    return () => {
      watch.listeners.delete(entry)
      if (watch.listeners.size === 0 && this.#watch === watch) void this.close(this.timeout)
    }
  }

  /** The listeners are not called any more. `limit`: milliseconds that the helper may take to end. */
  async close(limit: number): Promise<void> {
    const watch = this.#watch
    this.#watch = undefined
    await watch?.client.close(limit)
  }

  #begin(): Watch {
    const begun: Watch = new Watch(() => {
      if (this.#watch === begun) this.#watch = undefined
    })
    return begun
  }
}
