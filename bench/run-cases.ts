/** Runs the cases of one part, the host's or the guest's. */
import { availableParallelism, loadavg, release } from 'node:os'
import { join } from 'node:path'
import { measurePair } from './measure'
import { withProgram } from './programs'
import { brief } from './report'
import type { Case, Row } from './row'

export interface Part {
  /** The same thing beside itself: how much a ratio moves on this machine by itself. */
  noise: Row[]
  rows: Row[]
  machine: { kernel: string; node: string; processors: number; load: number }
}

export function choose(cases: readonly Case[], pattern: string): Case[] {
  const expression = new RegExp(pattern, 'i')
  return cases.filter(({ name }) => expression.test(name))
}

/** `table`: a file that the program for the noise reads. */
export async function runCases(
  cases: readonly Case[],
  programs: string,
  table: string,
): Promise<Part> {
  const machine = {
    kernel: release(),
    node: process.version,
    processors: availableParallelism(),
    load: loadavg()[0]!,
  }
  const noise = await measureNoise(programs, table)
  const rows: Row[] = []
  for (const one of cases) {
    process.stderr.write(`${one.name} ...\n`)
    const begin = performance.now()
    const found = [await one.rows(programs)].flat()
    rows.push(...found)
    // So that a run that is interrupted has shown something.
    for (const row of found) process.stderr.write(`  ${brief(row)}\n`)
    process.stderr.write(`  (${((performance.now() - begin) / 1000).toFixed(0)} s)\n`)
  }
  return { noise, rows, machine }
}

/** One program that computes beside itself, and how long a message to it and its answer take. */
function measureNoise(programs: string, table: string): Promise<Row[]> {
  const path = join(programs, 'parse_table')
  return withProgram(path, [table], (one) =>
    withProgram(path, [table], async (other) => [
      await measurePair({
        name: 'a C program',
        ours: () => one.sample(),
        baseline: () => other.sample(),
        baselineName: 'itself',
        target: null,
        rounds: 200,
      }),
      await measurePair({
        name: 'a message to it and back',
        ours: () => one.ask(),
        baseline: () => other.ask(),
        baselineName: 'itself',
        target: null,
        rounds: 200,
      }),
    ]),
  )
}
