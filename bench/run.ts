/** `npm run bench`: one table of ratios. The exit status is 1 if a target is missed. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import Table from 'cli-table3'
import { runInVm } from '../lib/vm'
import { testKernel } from '../test/vm/kernel'
import { hostRows } from './host'
import { isMet, ratio, type Row } from './measure'

const ROOT = join(__dirname, '..')

/** Compiles the baselines in C. Returns the folder with the programs. */
function buildPrograms(): string {
  const programs = join(ROOT, 'build-bench')
  mkdirSync(programs, { recursive: true })
  const sources = join(__dirname, 'baseline')
  for (const file of readdirSync(sources).filter((name) => name.endsWith('.c'))) {
    execFileSync('cc', ['-O2', '-o', join(programs, basename(file, '.c')), join(sources, file)])
  }
  return programs
}

async function guestRows(programs: string): Promise<Row[]> {
  const { files, stdout, stderr } = await runInVm({
    ...testKernel('6.12'),
    command: [
      process.execPath,
      join(ROOT, 'node_modules/tsx/dist/cli.mjs'),
      join(__dirname, 'guest.ts'),
      programs,
    ],
    cwd: ROOT,
    processors: 2,
    timeout: 1_800_000,
  })
  const rows = files.get('rows.json')
  if (rows === undefined) throw new Error(`The guest left no rows.\n${stdout}${stderr}`)
  return JSON.parse(rows.toString()) as Row[]
}

function show(rows: readonly Row[]): void {
  const table = new Table({
    head: ['case', 'median', 'baseline', 'its median', 'ratio', 'target', ''],
    colAligns: ['left', 'right', 'left', 'right', 'right', 'right', 'left'],
    style: { head: [], border: [] },
  })
  for (const row of rows) {
    const figure = (value: number): string => `${value.toPrecision(3)} ${row.unit ?? 'ms'}`
    const target =
      'atMost' in row.target ? `<= ${row.target.atMost}x` : `${row.target.atLeast}x faster`
    table.push([
      row.name,
      figure(row.ours),
      row.baselineName,
      figure(row.baseline),
      `${ratio(row).toPrecision(3)}x`,
      target,
      isMet(row) ? 'met' : 'MISSED',
    ])
  }
  console.log(table.toString())
}

async function main(): Promise<void> {
  const programs = buildPrograms()
  const rows = [...(await hostRows(programs)), ...(await guestRows(programs))]
  show(rows)
  if (!rows.every(isMet)) process.exitCode = 1
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
})
