/** `npm run bench -- --scale`: time and memory with many modules, mounts, processes and descriptors. */
import { execFileSync, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { familyTargets, makeFamilies } from './made-up-tables'
import { figureOf, sampleOf, type Sample } from './measure'
import { withProgram } from './programs'
import type { Case, Figure, Row, Target } from './row'
import { ROOT, withFolder } from './surroundings'

/** What a process of its own needs for some calls. */
interface Cost {
  time: Figure
  /** MiB that the calls have added to the Node process, at the peak. */
  memory: number
  /** MiB of the largest helper, at the peak. */
  helper: number
}

/**
 * Runs `call`, an expression with `kernel`, in a Node process of its own, so that its memory is that of
 * nothing else. `table`: the text of /proc/modules.
 */
function costOf(call: string, table: string): Promise<Cost> {
  return withFolder((folder) => {
    const file = join(folder, 'modules')
    writeFileSync(file, table)
    const script = `
      const { readdirSync, readFileSync } = require('node:fs')
      const { LiveKernel } = require('./dist/live/live-kernel')
      const { plan } = require('./dist/plan/plan')
      const { explain } = require('./dist/explain/explain')
      const kernel = LiveKernel.open({}, 60_000, process.argv[1])
      const peak = (pid) => Number(/VmHWM:\\s*(\\d+)/.exec(readFileSync('/proc/' + pid + '/status'))[1]) / 1024
      const helpers = () => readdirSync('/proc/self/task').flatMap((task) =>
        readFileSync('/proc/self/task/' + task + '/children', 'utf8').split(' ').filter(Boolean))
      const call = () => ${call}
      ;(async () => {
        const before = peak('self')
        const samples = []
        for (let round = -1; round < 5; round++) {
          const used = process.cpuUsage()
          const begin = performance.now()
          await call()
          const wall = performance.now() - begin
          const { user, system } = process.cpuUsage(used)
          if (round >= 0) samples.push({ wall, cpu: (user + system) / 1000 })
        }
        const memory = peak('self') - before
        console.log(JSON.stringify({ samples, memory, helper: Math.max(0, ...helpers().map(peak)) }))
        await kernel.close(1_000)
      })()`
    const output = execFileSync(process.execPath, ['-e', script, file], {
      cwd: ROOT,
      encoding: 'utf8',
    })
    const { samples, ...rest } = JSON.parse(output) as Omit<Cost, 'time'> & { samples: Sample[] }
    return Promise.resolve({ time: figureOf(samples), ...rest })
  })
}

const PARTS = 4

/** For a part of the size that is PARTS times as small: what is linear costs PARTS times as much in full. */
const LINEAR: Target = { atMost: PARTS * 1.25 }

function rowsOf(name: string, full: Cost, part: Cost): Row[] {
  const baselineName = `a ${PARTS}th of that`
  const memory = (what: string, of: (cost: Cost) => number): Row => ({
    name: `${name}: ${what}`,
    ours: { wall: of(full) },
    baseline: { wall: of(part) },
    baselineName,
    target: LINEAR,
    unit: 'MiB',
  })
  return [
    { name, ours: full.time, baseline: part.time, baselineName, target: LINEAR },
    memory('memory added in Node.js', (cost) => cost.memory),
    ...(full.helper > 0 ? [memory('memory of the helper', (cost) => cost.helper)] : []),
  ]
}

const modules = (name: string, count: number, call: (count: number) => string): Case => ({
  name,
  rows: async () => {
    const part = count / PARTS
    return rowsOf(
      name,
      await costOf(call(count), makeFamilies(count)),
      await costOf(call(part), makeFamilies(part)),
    )
  },
})

const ONE_MODULE = 'tun 69632 1 - Live 0xffffffffc0000000\n'

/** More are left out of the survey, and `unreadable` says so. */
const MOST_MOUNTS = 10_000

const mounts: Case = {
  name: 'a survey, 10,000 mounts',
  rows: async (programs) => {
    const beside = (count: number): Promise<Cost> =>
      withProgram(join(programs, 'hold_mounts'), [String(count)], async (program) => {
        await program.nextLine()
        return costOf('kernel.snapshot({ users: false })', ONE_MODULE)
      })
    const full = await beside(MOST_MOUNTS)
    const leftOut = await beside(2 * MOST_MOUNTS)
    return [
      ...rowsOf('a survey, 10,000 mounts', full, await beside(MOST_MOUNTS / PARTS)),
      {
        name: 'a survey, 20,000 mounts (left out)',
        ours: leftOut.time,
        baseline: full.time,
        baselineName: '10,000 mounts (read)',
        target: { atMost: 1.25 },
      },
    ]
  },
}

const lsof = (): Promise<Sample> =>
  sampleOf(() => void spawnSync('lsof', ['-nPw'], { maxBuffer: 2 ** 30 }))

const descriptors: Case = {
  name: 'explain(), 5,000 processes with 100,000 descriptors',
  rows: async (programs) => {
    const beside = (processes: number): Promise<{ cost: Cost; tool: Figure }> =>
      withProgram(join(programs, 'hold_files'), [String(processes), '20'], async (program) => {
        await program.nextLine()
        const cost = await costOf(`explain(kernel, 'tun')`, ONE_MODULE)
        return { cost, tool: figureOf([await lsof(), await lsof(), await lsof()]) }
      })
    const name = 'explain(), 5,000 processes with 100,000 descriptors'
    const full = await beside(5_000)
    const part = await beside(5_000 / PARTS)
    return [
      ...rowsOf(name, full.cost, part.cost),
      {
        name,
        ours: full.cost.time,
        baseline: full.tool,
        baselineName: 'lsof -nPw spawned and read',
        target: { atLeast: 1 },
      },
    ]
  },
}

export const scaleCases: readonly Case[] = [
  modules('list(), 10,000 modules', 10_000, () => 'kernel.table()'),
  modules(
    'plan() of a fifth of 10,000 modules',
    10_000,
    (count) => `plan(kernel, ${JSON.stringify(familyTargets(count / 5))}, { guard: 'off' })`,
  ),
  mounts,
  descriptors,
]
