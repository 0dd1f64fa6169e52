/** Time, as the host has it. */
import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises'
import type { Clock } from './kernel'

/** Node's timers take 31 bits. */
const LONGEST = 2 ** 31 - 1

export const hostClock: Clock = {
  now: () => performance.now(),
  async sleep(milliseconds, signal) {
    const end = performance.now() + milliseconds
    try {
      for (let rest = milliseconds; rest > 0; rest = end - performance.now()) {
        await delay(Math.min(rest, LONGEST), undefined, { signal })
      }
      // If the event loop was held up, news may be waiting that came long before the timer: let it
      // be heard before anybody concludes that there was none.
      await turn(undefined, { signal })
    } catch {
      // aborted: the sleep is over
    }
  },
}
