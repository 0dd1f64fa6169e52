/** Whether a watch sees every load and unload of a quick program. */
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { kmod } from '../../lib'
import { withProgram } from '../programs'
import type { Case } from '../row'

const PAIRS = 1_000
const MODULE = 'kmodtest_base'

export const watchPairs: Case = {
  name: 'watch() of 1,000 pairs of a load and an unload',
  rows: async (programs) => {
    const { path } = await kmod.info(MODULE)
    const watch = kmod.watch({ modules: MODULE })
    let events = 0
    let overruns = 0
    const reading = (async () => {
      for await (const { action } of watch) {
        if (action === 'overrun') overruns++
        else events++
        if (events === 2 * PAIRS) break
      }
    })()
    const { wall, cpu } = await withProgram(
      join(programs, 'load_pairs'),
      [path!, MODULE],
      (program) => program.sample(String(PAIRS)),
    )
    await Promise.race([reading, delay(10_000)])
    await watch[Symbol.asyncDispose]()
    await reading
    const lost = 2 * PAIRS - events
    const unit = ''
    return [
      {
        name: 'watch() of 1,000 pairs: events lost without an overrun',
        ours: { wall: overruns > 0 ? 0 : lost },
        target: { limit: 0 },
        unit,
      },
      { name: 'watch() of 1,000 pairs: overruns', ours: { wall: overruns }, target: null, unit },
      {
        name: 'the 1,000 pairs themselves',
        ours: { wall, cpu },
        target: null,
      },
    ]
  },
}
