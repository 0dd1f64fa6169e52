/**
 * Calls of one process that touch the same modules run one after the other, in the order in which
 * they were made; other calls run at the same time.
 *
 * Which modules a call touches is known only once it has planned. So a call enters the queue when
 * it is made, plans, and then claims its modules. It waits for each earlier call that has claimed
 * one of them, and for each earlier call that has not claimed any yet.
 *
 * A call that waits for something outside the queue (a module in use, a callback of the caller)
 * rests: other calls do not wait for it. So a call never waits for a resting call, and calls whose
 * callbacks make other calls cannot wait for each other in a circle.
 */

/** One call's place in the queue. */
export interface Place {
  /**
   * Sets the modules that the call touches; they replace those of an earlier claim. Returns null if
   * it is the call's turn; else a promise to wait for. When it resolves, the call must plan again,
   * because the calls before it have changed the system, and then claim again, because another call
   * may have got its turn first.
   */
  claim(modules: Iterable<string>): Promise<void> | null
  /** Takes the turn with these modules again after a rest, however long that takes. */
  regain(modules: Iterable<string>): Promise<void>
  /** Ends the turn of the call until it claims again. It keeps its place. */
  rest(): void
  /** Must be called when the call has ended. A pending promise of `claim()` resolves. */
  leave(): void
}

export class Queue {
  /** In the order in which the calls were made. */
  readonly #entries: Entry[] = []

  /** Must be called when a call is made, before anything asynchronous: it decides the order. */
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

  async regain(modules: Iterable<string>): Promise<void> {
    const names = [...modules]
    for (let turn; (turn = this.claim(names)) !== null;) await turn
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

  /** Finds the call that this one has to wait for, and ends its wait if there is none. */
  #decide(): void {
    this.#blocker = this.#findBlocker()
    if (this.#blocker === null) this.#proceed()
  }

  /** For when the modules of this call have changed, or the call has left. */
  #wakeOthers(): void {
    for (const entry of this.queue) if (entry.#blocker === this) entry.#decide()
  }

  #findBlocker(): Entry | null {
    const position = this.queue.indexOf(this)
    // The nearest first: calls for the same module then wait in a chain, and the end of one wakes
    // only the next.
    for (let i = position - 1; i >= 0; i--) {
      const earlier = this.queue[i]!
      if (earlier.#blocks(this)) return earlier
    }
    // When a call claims again (with more modules, or after a rest), a later call may already have
    // its turn with one of them.
    for (let i = position + 1; i < this.queue.length; i++) {
      const later = this.queue[i]!
      if (later.#hasTurn && later.#blocks(this)) return later
    }
    return null
  }

  #blocks(call: Entry): boolean {
    const claimed = this.#modules
    const wanted = call.#modules!
    if (wanted.size === 0) return false
    if (claimed === null) return true
    const [few, many] = claimed.size < wanted.size ? [claimed, wanted] : [wanted, claimed]
    for (const name of few) if (many.has(name)) return true
    return false
  }
}
