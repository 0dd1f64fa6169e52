/**
 * Calls of one process that touch the same modules run one after the other, in the order in which
 * they were made; other calls run beside each other.
 *
 * Which modules a call touches is known only once it has planned. So a call takes its place when it
 * is made, plans, and then claims its modules. It waits for each earlier call that has claimed one
 * of them, and for each earlier call that has not claimed any yet.
 */
import { AsyncLocalStorage } from 'node:async_hooks'

/** One call's place in the queue. */
export interface Place {
  /**
   * Names the modules that the call touches, in place of those that it named before. Returns null
   * if it is the call's turn; else a promise to wait for. Then the call must plan and claim again,
   * because the calls before it have changed the system.
   */
  claim(modules: Iterable<string>): Promise<void> | null
  /**
   * Runs a callback of the user as a part of the call: calls made in there do not wait for this
   * one.
   */
  run<T>(callback: () => T): T
  /** To be called when the call has ended. A wait for its turn ends too. */
  leave(): void
}

/** The calls in whose callbacks the code is that runs now, outermost first. */
const callersNow = new AsyncLocalStorage<readonly Entry[]>()

export class Queue {
  /** In the order in which the calls were made. */
  readonly #entries: Entry[] = []

  /** To be called when a call is made, before anything asynchronous: this settles the order. */
  enter(): Place {
    const entry = new Entry(this.#entries, callersNow.getStore() ?? [])
    this.#entries.push(entry)
    return entry
  }
}

class Entry implements Place {
  /** Null until the call has planned. */
  #modules: ReadonlySet<string> | null = null
  /** The one call that this one waits for at the moment. */
  #blocker: Entry | null = null
  #proceed: () => void = () => undefined

  constructor(
    private readonly queue: Entry[],
    private readonly callers: readonly Entry[],
  ) {}

  claim(modules: Iterable<string>): Promise<void> | null {
    if (!this.queue.includes(this)) return null
    this.#modules = new Set(modules)
    this.#decide()
    this.#wakeOthers()
    if (this.#hasTurn) return null
    return new Promise((resolve) => {
      this.#proceed = resolve
    })
  }

  run<T>(callback: () => T): T {
    return callersNow.run([...this.callers, this], callback)
  }

  leave(): void {
    const index = this.queue.indexOf(this)
    if (index < 0) return
    this.queue.splice(index, 1)
    this.#wakeOthers()
    this.#proceed()
  }

  get #hasTurn(): boolean {
    return this.#modules !== null && this.#blocker === null
  }

  /** Finds what this call has to wait for, and lets it go on if that is nothing. */
  #decide(): void {
    this.#blocker = this.#findBlocker()
    if (this.#blocker === null) this.#proceed()
  }

  /** The modules of this call have changed, or the call has left. */
  #wakeOthers(): void {
    for (const entry of this.queue) if (entry.#blocker === this) entry.#decide()
    // Whether a call inside a callback has to wait depends on what all the others wait for.
    for (const entry of this.queue) {
      if (entry.#blocker !== null && entry.callers.length > 0) entry.#decide()
    }
  }

  #findBlocker(): Entry | null {
    const waitingForUs = this.#waitingForCallers()
    const position = this.queue.indexOf(this)
    // The nearest first: calls for the same module then wait in a chain, and the end of one wakes
    // only the next.
    for (let i = position - 1; i >= 0; i--) {
      const earlier = this.queue[i]!
      if (!waitingForUs.has(earlier) && earlier.#isInTheWayOf(this)) return earlier
    }
    // The plan after a wait can name more modules than the one before, and a later call may have
    // its turn with those by now.
    for (let i = position + 1; i < this.queue.length; i++) {
      const later = this.queue[i]!
      if (later.#hasTurn && !waitingForUs.has(later) && later.#isInTheWayOf(this)) return later
    }
    return null
  }

  #isInTheWayOf(call: Entry): boolean {
    const claimed = this.#modules
    const wanted = call.#modules!
    if (wanted.size === 0) return false
    if (claimed === null) return true
    const [few, many] = claimed.size < wanted.size ? [claimed, wanted] : [wanted, claimed]
    for (const name of few) if (many.has(name)) return true
    return false
  }

  /**
   * The calls in whose callbacks this one was made, and all that wait for one of them, directly or
   * through others. To wait for any of these would be to wait for itself.
   */
  #waitingForCallers(): ReadonlySet<Entry> {
    const found = new Set(this.callers)
    for (let size = 0; size !== found.size;) {
      size = found.size
      for (const entry of this.queue) {
        if (entry.#blocker === null || !found.has(entry.#blocker)) continue
        found.add(entry)
        // A call waits for the calls that are made in its callbacks.
        for (const caller of entry.callers) found.add(caller)
      }
    }
    return found
  }
}
