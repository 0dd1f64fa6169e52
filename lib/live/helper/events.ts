/** Tells when the kernel changed. native/helper/events.cc is the other end. */
import { HelperClient } from './client'

/** One watch, that everybody shares who listens. */
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
          // `ready` counts too: what changed before the watch stood went by unseen.
          if (kind !== 'failure') for (const listener of [...this.listeners]) listener()
        },
        onLost: this.onLost,
      })
      exchange.detach()
    } catch {
      // Nothing is ever told then: whoever waits looks again by itself.
      this.onLost()
    }
  }

  end(): void {
    this.#client.close()
  }
}

let watch: Watch | undefined

/**
 * Calls `listener` when a module, a network interface or a mount came or went, and once when the
 * watch begins. Returns the end of it. Where the kernel cannot tell, nothing is ever told. Does not
 * keep the Node process alive.
 */
export function onKernelChange(listener: () => void): () => void {
  const own = (watch ??= begin())
  // An object of its own for each call, should one function be given twice.
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
