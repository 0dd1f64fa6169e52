/** list() and plan() over tables of modules. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Kmod } from '../../lib/kmod'
import { plan } from '../../lib/plan/plan'
import { CapturedSystem } from '../../test/support/captured-system'
import { fillLaptop } from '../../test/support/laptop'
import { withFolder } from '../surroundings'
import { familyTargets, kernelWith, makeFamilies, makeTable } from '../made-up-tables'
import { difference, measureAlone, measurePair } from '../measure'
import { withProgram } from '../programs'
import type { Case, Row } from '../row'

/** A short program that gives the same objects. */
function parseByHand(file: string): unknown[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((row) => {
      const [name, size, count, users, state, , taints = ''] = row.split(' ')
      const holders = users === '-' ? [] : users!.split(',').filter(Boolean)
      const permanent = holders.includes('[permanent]')
      return {
        name,
        size: Number(size),
        refCount: Number(count),
        holders,
        state,
        permanent,
        taints,
      }
    })
}

const listCase = (count: number, most: number, rounds: number): Case => ({
  name: `list(), ${count} rows`,
  rows: (programs) =>
    withFolder(async (folder) => {
      const { kernel, file } = kernelWith(folder, makeTable(count))
      const common = { name: `list(), ${count} rows`, ours: () => kernel.table(), rounds }
      return [
        await withProgram(join(programs, 'parse_table'), [file], (program) =>
          measurePair({
            ...common,
            baseline: () => program.sample(),
            baselineName: 'C: read and parse once',
            target: { atMost: most },
          }),
        ),
        await measurePair({
          ...common,
          baseline: () => void parseByHand(file),
          baselineName: 'readFileSync and split',
          target: { atMost: 2 },
        }),
      ]
    }),
})

/** Both take the same time, so that the load of the machine affects them in the same way. */
const linearList: Case = {
  name: 'list(), 10,000 rows beside 50 x 200',
  rows: () =>
    withFolder(async (folder) => {
      const many = kernelWith(folder, makeTable(10_000)).kernel
      const few = kernelWith(folder, makeTable(200)).kernel
      return measurePair({
        name: 'list(), 10,000 rows',
        ours: () => many.table(),
        baseline: async () => {
          for (let i = 0; i < 50; i++) await few.table()
        },
        baselineName: '50 x list(), 200 rows (linear)',
        target: { atMost: 1.2 },
        rounds: 60,
      })
    }),
}

const planCase = (count: number, targets: number, most: number, rounds: number): Case => ({
  name: `plan() of ${targets} among ${count}, guard off`,
  rows: () =>
    withFolder(async (folder) => {
      const { kernel } = kernelWith(folder, makeFamilies(count))
      const names = familyTargets(targets)
      const row = await measurePair({
        name: `plan() of ${targets} among ${count}, guard off`,
        ours: () => plan(kernel, names, { guard: 'off' }),
        baseline: () => kernel.table(),
        baselineName: 'list() of the same table',
        target: { atMost: most },
        rounds,
      })
      await kernel.close(1_000)
      return row
    }),
})

const linearPlan: Case = {
  name: 'plan(), 2,000 targets beside 200',
  rows: () =>
    withFolder(async (folder) => {
      const { kernel } = kernelWith(folder, makeFamilies(10_000))
      const planOf = (targets: number): (() => Promise<unknown>) => {
        const names = familyTargets(targets)
        return difference(
          () => plan(kernel, names, { guard: 'off' }),
          () => kernel.table(),
        )
      }
      const row = await measurePair({
        name: 'plan() less list(), 2,000 targets beside 200',
        ours: planOf(2_000),
        baseline: planOf(200),
        baselineName: '200 targets (n log n)',
        target: { atMost: (10 * Math.log2(2_000)) / Math.log2(200) },
        rounds: 25,
        block: 1,
      })
      await kernel.close(1_000)
      return row
    }),
}

/** How much time the guard adds to a plan, on the captured files of a laptop. */
const guardCase: Case = {
  name: 'plan() on the captured files of a laptop',
  rows: async (): Promise<Row> => {
    const laptop = new CapturedSystem()
    try {
      fillLaptop(laptop)
      const kmod = new Kmod({ root: laptop.root })
      const added = difference(
        () => kmod.plan('e1000e'),
        () => kmod.plan('e1000e', { guard: 'off' }),
      )
      const ours = await measureAlone(added, 60)
      await kmod.close()
      return {
        name: 'plan() on the captured files of a laptop: added by the guard',
        ours,
        target: { limit: 10 },
      }
    } finally {
      laptop.remove()
    }
  },
}

export const tableCases: readonly Case[] = [
  listCase(200, 20, 400),
  listCase(10_000, 25, 60),
  linearList,
  planCase(200, 1, 2, 200),
  planCase(10_000, 200, 4, 25),
  planCase(10_000, 2_000, 4, 25),
  linearPlan,
  guardCase,
]
