import { AsyncLocalStorage } from 'node:async_hooks'

/**
 * Calls of one process that touch the same modules run one after the other, in the order in which
 * they came; others do not wait for each other.
 */

interface Entry {
  names: ReadonlySet<string>
  over: Promise<void>
  /** Those that it waits for. */
  before: readonly Entry[]
}

/** Of this JavaScript environment; the kernel itself keeps other processes apart. */
const entries: Entry[] = []

/**
 * The entries whose turn the code that runs now is part of: a callback of a call that asks for the
 * same modules must not wait for the call that waits for it.
 */
const inside = new AsyncLocalStorage<readonly Entry[]>()

/** Is the entry one of those, or does it wait for one? */
function waitsFor(entry: Entry, those: readonly Entry[]): boolean {
  return those.includes(entry) || entry.before.some((one) => waitsFor(one, those))
}

/** A place in the queue. */
class Place {
  readonly #entry: Entry
  #leave!: () => void
  /** Resolves when everybody is done who came before and touches the same; `null`: nobody did. */
  readonly come: Promise<unknown> | null

  constructor(names: ReadonlySet<string>) {
    const own = inside.getStore() ?? []
    const before = entries.filter(
      (entry) => !waitsFor(entry, own) && [...entry.names].some((name) => names.has(name)),
    )
    this.#entry = {
      names: new Set(names),
      before,
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

  /** Runs something as a part of this turn. */
  within<T>(call: () => T): T {
    return inside.run([...(inside.getStore() ?? []), this.#entry], call)
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

/** A turn that has come. */
export type Turn = Pick<Place, 'within' | 'leave'>

/** What a call is about to do, and the modules that this touches. */
export interface Finding<T> {
  found: T
  touches: Iterable<string>
}

/**
 * Resolves when the call may begin: with what `find` found at that moment, and with the
 * turn, which is to be left. `wait` waits for the turn, and may reject: then there is none.
 */
export async function takeTurn<T>(
  find: () => Promise<Finding<T>>,
  wait: (come: Promise<unknown>, found: T) => Promise<void>,
): Promise<{ found: T; turn: Turn }> {
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
      if (own.come === null || hasWaited) return { found, turn: own }
      await wait(own.come, found)
      hasWaited = true
    }
  } catch (error) {
    place?.leave()
    throw error
  }
}
