/** The clock of this machine, which a captured system uses too. */
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises'
import type { Clock } from './kernel'

/**
 * The longest delay of a timer in Node.js, which has 31 bits. A timer with a longer delay fires at
 * once.
 */
const LONGEST_TIMER = 2 ** 31 - 1

export const hostClock: Clock = {
  now: () => performance.now(),
  async sleep(milliseconds, signal, { ref = true } = {}) {
    const end = performance.now() + milliseconds
    try {
      for (let rest = milliseconds; rest > 0; rest = end - performance.now()) {
        await delay(Math.min(rest, LONGEST_TIMER), undefined, { signal, ref })
      }
      // If the event loop was blocked, an event that arrived before the timer may still be unhandled.
      // It is handled first, so that the caller does not conclude that nothing happened.
      await nextTurn(undefined, { signal })
    } catch {
      // Aborted: the sleep ends here.
    }
  },
}
