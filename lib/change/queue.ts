/**
 * Calls of one process that touch the same modules run one after the other, in the order in which
 * they were made; other calls run beside each other.
 *
 * Which modules a call touches is known only once it has planned. So a call takes its place when it
 * is made, plans, and then claims its modules. It waits for each earlier call that has claimed one
 * of them, and for each earlier call that has not claimed any yet.
 *
 * A call that waits for something outside of the queue (a module in use, a callback of the caller)
 * rests: other calls do not wait for it. So a call waits only for calls that are at work, and calls
 * whose callbacks make other calls cannot wait for each other in a circle.
 */

/** One call's place in the queue. */
export interface Place {
  /**
   * Names the modules that the call touches, in place of those that it named before. Returns null
   * if it is the call's turn; else a promise to wait for. Then the call must claim again, because
   * another call may have been faster; and plan again, because the calls before it have changed the
   * system.
   */
  claim(modules: Iterable<string>): Promise<void> | null
  /** Ends the turn of the call until it claims again. It keeps its place. */
  rest(): void
  /** To be called when the call has ended. A wait for its turn ends too. */
  leave(): void
}

export class Queue {
  /** In the order in which the calls were made. */
  readonly #entries: Entry[] = []

  /** To be called when a call is made, before anything asynchronous: this settles the order. */
  enter(): Place {
    const entry = new Entry(this.#entries)
    this.#entries.push(entry)
    return entry
  }
}

class Entry implements Place {
  /** Null until the call has planned; empty while it rests. */
  #modules: ReadonlySet<string> | null = null
  /** The one call that this one waits for at the moment. */
  #blocker: Entry | null = null
  #proceed: () => void = () => undefined

  constructor(private readonly queue: Entry[]) {}

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

  rest(): void {
    void this.claim([])
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
  }

  #findBlocker(): Entry | null {
    const position = this.queue.indexOf(this)
    // The nearest first: calls for the same module then wait in a chain, and the end of one wakes
    // only the next.
    for (let i = position - 1; i >= 0; i--) {
      const earlier = this.queue[i]!
      if (earlier.#isInTheWayOf(this)) return earlier
    }
    // A call that claims again (with more modules, or after a rest) can find that a later call has
    // its turn with those by now.
    for (let i = position + 1; i < this.queue.length; i++) {
      const later = this.queue[i]!
      if (later.#hasTurn && later.#isInTheWayOf(this)) return later
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
}
