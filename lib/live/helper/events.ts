/** Events of the kernel that may end a wait. native/helper/events.cc is the other end. */
import { HelperClient } from './client'

/** One conversation with the helper, which all listeners share. */
class Watch {
  readonly #client = new HelperClient('events')
  readonly listeners = new Set<() => void>()

  constructor(private readonly onLost: () => void) {
    void this.#start()
  }

  async #start(): Promise<void> {
    try {
      const exchange = await this.#client.begin(['watch'], {
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

  end(): void {
    this.#client.close()
  }
}

let watch: Watch | undefined

/**
 * Calls `listener` when a module, a network interface or a mount appears or disappears, and once when
 * the watch is open. Returns a function that removes the listener. Where the kernel has no such
 * events, the listener is not called. Does not keep the Node process alive.
 */
export function onKernelChange(listener: () => void): () => void {
  const own = (watch ??= begin())
  // A new function for each call, because a Set would hold a listener that is given twice only once.
  const entry = (): void => listener()
  own.listeners.add(entry)
  return () => {
    own.listeners.delete(entry)
    if (own.listeners.size > 0 || watch !== own) return
    watch = undefined
    own.end()
  }
}

function begin(): Watch {
  const begun: Watch = new Watch(() => {
    if (watch === begun) watch = undefined
  })
  return begun
}
