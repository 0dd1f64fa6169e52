/**
 * Calls of one process that touch the same modules run one after the other, in the order in which
 * they came; others do not wait for each other.
 */

interface Entry {
  names: ReadonlySet<string>
  over: Promise<void>
}

/** Of this JavaScript environment; the kernel itself keeps other processes apart. */
const entries: Entry[] = []

/** A place in the queue. */
class Place {
  readonly #entry: Entry
  #leave!: () => void
  /** Resolves when everybody is done who came before and touches the same; `null`: nobody did. */
  readonly come: Promise<unknown> | null

  constructor(names: ReadonlySet<string>) {
    const before = entries.filter((entry) => [...entry.names].some((name) => names.has(name)))
    this.#entry = {
      names: new Set(names),
      over: new Promise((resolve) => {
        this.#leave = resolve
      }),
    }
    entries.push(this.#entry)
    this.come = before.length === 0 ? null : Promise.all(before.map(({ over }) => over))
  }

  covers(names: Iterable<string>): boolean {
    return [...names].every((name) => this.#entry.names.has(name))
  }

  leave(): void {
    const at = entries.indexOf(this.#entry)
    if (at >= 0) entries.splice(at, 1)
    this.#leave()
  }
}

/**
 * Finding out which modules a call touches takes a while. It is done in the order in which calls
 * come in, so that they queue in that order too.
 */
let lastFinding: Promise<unknown> = Promise.resolve()

function inOrder<T>(find: () => Promise<T>): Promise<T> {
  const found = lastFinding.then(find)
  lastFinding = found.catch(() => undefined)
  return found
}

/** What a call is about to do, and the modules that this touches. */
export interface Finding<T> {
  found: T
  touches: Iterable<string>
}

/**
 * Resolves when the call may begin: with what `find` found at that moment, and with what ends the
 * turn. `wait` waits for the turn, and may reject: then there is none.
 */
export async function takeTurn<T>(
  find: () => Promise<Finding<T>>,
  wait: (come: Promise<unknown>, found: T) => Promise<void>,
): Promise<{ found: T; endTurn: () => void }> {
  const names = new Set<string>()
  let place: Place | undefined
  let hasWaited = false
  try {
    for (;;) {
      const found = await inOrder(async () => {
        const finding = await find()
        for (const name of finding.touches) names.add(name)
        // What is found after the wait can be more than what was waited for.
        if (!place?.covers(names)) {
          place?.leave()
          place = new Place(names)
          hasWaited = false
        }
        return finding.found
      })
      const own = place!
      if (own.come === null || hasWaited) return { found, endTurn: () => own.leave() }
      await wait(own.come, found)
      hasWaited = true
    }
  } catch (error) {
    place?.leave()
    throw error
  }
}
