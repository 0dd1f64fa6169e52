/** Reports changes of the kernel. native/helper/events.cc is the other end. */
import { HelperClient } from './client'

/** One watch, which all listeners share. */
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
          // `ready` counts, too: changes before that were not seen.
          if (kind !== 'failure') for (const listener of [...this.listeners]) listener()
        },
        onLost: this.onLost,
      })
      exchange.detach()
    } catch {
      // Without a watch nothing is reported, and callers that wait rely on their polling alone.
      this.onLost()
    }
  }

  end(): void {
    this.#client.close()
  }
}

let watch: Watch | undefined

/**
 * Calls `listener` when a module, a network interface or a mount was added or removed, and once when
 * the watch starts. Returns a function that ends it. On a system that cannot report changes, `listener`
 * is never called. Does not keep the Node process alive.
 */
export function onKernelChange(listener: () => void): () => void {
  const own = (watch ??= begin())
  // A function of its own for each call, so that one listener can be given twice.
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
