/** remove() and unload() beside delete_module(2) and modprobe -r. */
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { kmod } from '../../lib'
import { countHandovers, list, total } from '../handovers'
import { measurePair, type Pair } from '../measure'
import { withProgram } from '../programs'
import type { Case, Row, Target } from '../row'
import { medianStall } from '../stall'
import { run } from './run'

/** An idle module, which has no network interface. */
const load = (): void => void run('modprobe', 'dummy', 'numdummies=0')

type Ours = Pick<Pair, 'name' | 'ours'>

/** Beside delete_module(2), called by a program in C that is running already. */
const besideKernel = (
  pair: Ours & Pick<Pair, 'target' | 'rounds' | 'before'>,
  programs: string,
  names: readonly string[],
): Promise<Row> =>
  withProgram(join(programs, 'delete_modules'), [], (program) =>
    measurePair({
      ...pair,
      baseline: () => program.sample(names.join(' ')),
      baselineName: `C: delete_module${names.length > 1 ? ' of each, in order' : ' alone'}`,
      block: 2,
    }),
  )

const besideModprobe = (ours: Ours): Promise<Row> =>
  measurePair({
    ...ours,
    baseline: () => void run('modprobe', '-r', 'dummy'),
    baselineName: 'modprobe -r spawned',
    target: { atLeast: 1.5 },
    rounds: 20,
    before: load,
    block: 2,
  })

const idleCase = (ours: Ours, target: Target, alsoBesideModprobe: boolean): Case => ({
  name: ours.name,
  rows: async (programs) => {
    const pair = { ...ours, target, rounds: 20, before: load }
    const kernel = await besideKernel(pair, programs, ['dummy'])
    return alsoBesideModprobe ? [kernel, await besideModprobe(ours)] : kernel
  },
})

const remove = { name: 'remove() of one idle module', ours: () => kmod.remove('dummy') }
const unguarded = {
  name: 'unload() of one idle module, guard off',
  ours: () => kmod.unload('dummy', { guard: 'off' }),
}
const guarded = {
  name: 'unload() of one idle module, with the guard',
  ours: () => kmod.unload('dummy'),
}

/** What an unload hands over, when the helpers are running already. */
const handovers: Case = {
  name: 'unload() of one idle module: hand-overs',
  rows: async () => {
    const rows: Row[] = []
    for (const { name, ours } of [unguarded, guarded]) {
      load()
      await ours()
      load()
      const { requests, messages, poolTurns } = await countHandovers(async () => ours())
      const row = (what: string, count: number, target: Target): Row => ({
        name: `${name}: ${what}`,
        ours: { wall: count },
        target,
        unit: '',
      })
      const { readTable = 0, readTableRow = 0 } = poolTurns
      rows.push(
        row('readings of the table', readTable + readTableRow, { limit: 2 }),
        row(`requests to helpers (${list(requests)})`, total(requests), { limit: 2 }),
        row('messages from helpers', messages, null),
        row(`turns of the thread pool (${list(poolTurns)})`, total(poolTurns), null),
      )
    }
    return rows
  },
}

const SLOW = 5_000

const stall: Case = {
  name: 'longest stall during an unload whose exit takes 5 s',
  rows: async () => {
    const unload = async (): Promise<void> => {
      run('modprobe', 'kmodtest_slow_exit', `exit_ms=${SLOW}`)
      await kmod.unload('kmodtest_slow_exit')
    }
    return {
      name: 'longest stall during an unload whose exit takes 5 s',
      ours: await medianStall(unload, 3),
      baseline: await medianStall(() => delay(SLOW), 3),
      baselineName: 'the longest with nothing running',
      target: { limit: 10, ofCpu: true },
    }
  },
}

export const removalCases: readonly Case[] = [
  idleCase(remove, { atMost: 1.5 }, true),
  idleCase(unguarded, { atMost: 1.5 }, false),
  idleCase(guarded, { atMost: 2 }, true),
  handovers,
  stall,
]

const MATCHES =
  'comment mark limit length mac multiport owner pkttype statistic tcpmss time hl u32 dscp ecn esp iprange quota cpu'

/** x_tables is removed together with the modules that use it. */
export const chain: Case = {
  name: 'unload() of a chain of 20',
  rows: async (programs) => {
    const loadAll = (): void => {
      run('modprobe', '-a', ...MATCHES.split(' ').map((name) => `xt_${name}`))
    }
    loadAll()
    const { steps } = await kmod.plan('x_tables', { holders: 'remove' })
    const pair = {
      name: `unload() of a chain of ${steps.length}`,
      ours: () => kmod.unload('x_tables', { holders: 'remove' }),
      target: { atMost: 1.5 },
      rounds: 10,
      before: loadAll,
    }
    return besideKernel(
      pair,
      programs,
      steps.map(({ module }) => module),
    )
  },
}
