/** Measures on this machine, without loading modules: simulated tables, and the package itself. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kmod } from '../lib/kmod'
import { LiveKernel } from '../lib/live/live-kernel'
import { plan } from '../lib/plan/plan'
import { CapturedSystem } from '../test/support/captured-system'
import { fillLaptop } from '../test/support/laptop'
import { measured, measurePair, median, type Row } from './measure'

const ROOT = join(__dirname, '..')

/** Keeps V8 from enlarging its young generation, in steps of megabytes, during a measurement. */
export const STEADY_HEAP = ['--expose-gc', '--max-semi-space-size=1']

/** The text of /proc/modules with this number of rows, some of them with holders. */
export function makeTable(rows: number): string {
  const name = (i: number): string => `module_number_${i % rows}`
  return Array.from({ length: rows }, (_, i) => {
    const holders = Array.from({ length: i % 3 }, (_, k) => `${name(i * 7 + k)},`).join('')
    const address = `0xffffffffc0${(i * 4096).toString(16).padStart(6, '0')}`
    return `${name(i)} ${16384 + i * 64} ${i % 3} ${holders || '-'} Live ${address}\n`
  }).join('')
}

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

export async function hostRows(programs: string): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'node-kmod-bench-'))
  try {
    return [
      ...(await listRows(folder, programs)),
      ...(await planRows(folder)),
      await guardRow(),
      ...(await requireRows()),
      memoryRow(folder),
    ]
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function listRows(folder: string, programs: string): Promise<Row[]> {
  const rows: Row[] = []
  const perRow: number[] = []
  for (const [count, most, rounds] of [
    [200, 20, 400],
    [10_000, 25, 40],
  ] as const) {
    const file = join(folder, `modules-${count}`)
    writeFileSync(file, makeTable(count))
    // Reads as on the running system (two readings that must agree), but from this file.
    const kernel = LiveKernel.open({}, 10_000, file)
    const name = `list(), ${count} rows`
    rows.push(
      await measurePair({
        name,
        ours: () => kernel.table(),
        baseline: () => measured(join(programs, 'parse_table'), file, '20'),
        baselineName: 'C: read and parse once',
        target: { atMost: most },
        rounds: rounds / 4,
      }),
      await measurePair({
        name,
        ours: () => kernel.table(),
        baseline: () => void parseByHand(file),
        baselineName: 'readFileSync and split',
        target: { atMost: 2 },
        rounds,
      }),
    )
    perRow.push(rows.at(-1)!.ours / count)
  }
  rows.push({
    name: 'list(), a row of 10,000',
    ours: perRow[1]!,
    baseline: perRow[0]!,
    baselineName: 'a row of 200 (linear)',
    target: { atMost: 1.2 },
  })
  return rows
}

/** Rows of /proc/modules, in groups of four: three modules use the fourth, which has one more reference. */
function makeFamilies(rows: number): string {
  const address = '0xffffffffc0000000'
  return Array.from({ length: rows }, (_, i) => {
    const base = i % 4 === 3
    const holders = base ? [1, 2, 3].map((k) => `family_${i - k},`).join('') : '-'
    return `family_${i} 16384 ${base ? 4 : 0} ${holders} Live ${address}\n`
  }).join('')
}

/** plan() without the guard, compared with list() of the same table. */
async function planRows(folder: string): Promise<Row[]> {
  const rows: Row[] = []
  const perTarget: number[] = []
  for (const [count, targets, most, rounds] of [
    [200, 1, 2, 200],
    [10_000, 200, 4, 20],
    [10_000, 2_000, 4, 20],
  ] as const) {
    const file = join(folder, `families-${count}`)
    writeFileSync(file, makeFamilies(count))
    const kernel = LiveKernel.open({}, 10_000, file)
    const names = Array.from({ length: targets }, (_, i) => `family_${i * 4}`)
    const row = await measurePair({
      name: `plan() of ${targets} among ${count}, guard off`,
      ours: () => plan(kernel, names, { guard: 'off' }),
      baseline: () => kernel.table(),
      baselineName: 'list() of the same table',
      target: { atMost: most },
      rounds,
    })
    rows.push(row)
    perTarget.push((row.ours - row.baseline) / targets)
  }
  rows.push({
    name: 'plan(), a target of 2,000 among 10,000',
    ours: perTarget[2]!,
    baseline: perTarget[1]!,
    baselineName: 'a target of 200 (n log n)',
    target: { atMost: Math.log2(2_000) / Math.log2(200) },
  })
  return rows
}

/** How much time the guard adds to a plan, on the captured files of a laptop. */
async function guardRow(): Promise<Row> {
  const laptop = new CapturedSystem()
  try {
    fillLaptop(laptop)
    const kmod = new Kmod({ root: laptop.root })
    const pair = await measurePair({
      name: '',
      ours: () => kmod.plan('e1000e'),
      baseline: () => kmod.plan('e1000e', { guard: 'off' }),
      baselineName: '',
      target: { atMost: 1 },
      rounds: 40,
    })
    return {
      name: 'plan() on the captured files of a laptop: added by the guard',
      ours: pair.ours - pair.baseline,
      baseline: 10,
      baselineName: '10 ms',
      target: { atMost: 1 },
    }
  } finally {
    laptop.remove()
  }
}

function requireRows(): Promise<Row[]> {
  const run = (script: string) => (): void => {
    execFileSync(process.execPath, ['-e', script], { cwd: ROOT })
  }
  const memory = (script: string): number => {
    const peak = `${script}; process.on('exit', () => console.log(process.resourceUsage().maxRSS))`
    return median(
      Array.from({ length: 9 }, () =>
        Number(spawnSync(process.execPath, ['-e', peak], { cwd: ROOT, encoding: 'utf8' }).stdout),
      ),
    )
  }
  const ours = `require('node-kmod')`
  return measurePair({
    name: `require('node-kmod'), time`,
    ours: run(ours),
    baseline: run('0'),
    baselineName: 'node -e 0',
    target: { atMost: 1.3 },
    rounds: 30,
  }).then((row) => [
    row,
    {
      name: `require('node-kmod'), peak memory`,
      ours: memory(ours) / 1024,
      baseline: memory('0') / 1024,
      baselineName: 'node -e 0',
      target: { atMost: 1.1 },
      unit: 'MiB',
    },
  ])
}

/** How much the resident memory grows in the second half of the calls. */
function memoryRow(folder: string): Row {
  mkdirSync(join(folder, 'proc'))
  writeFileSync(join(folder, 'proc', 'modules'), makeTable(200))
  const script = `
    const { Kmod } = require('node-kmod')
    const kmod = new Kmod({ root: ${JSON.stringify(folder)} })
    const settled = () => { gc(); return process.memoryUsage().rss / 1048576 }
    ;(async () => {
      for (let i = 0; i < 50000; i++) await kmod.list()
      const half = settled()
      for (let i = 0; i < 50000; i++) await kmod.list()
      console.log(settled() - half)
    })()`
  const grown = execFileSync(process.execPath, [...STEADY_HEAP, '-e', script], {
    cwd: ROOT,
    encoding: 'utf8',
  })
  return {
    name: '100,000 x list(), growth in the second half',
    ours: Math.max(0, Number(grown)),
    baseline: 1,
    baselineName: '1 MiB',
    target: { atMost: 1 },
    unit: 'MiB',
  }
}
