/** Measuring two ways of doing a thing in turn, so that a machine's moods hit both. */
import { execFileSync } from 'node:child_process'

export interface Row {
  name: string
  /** Milliseconds, for orientation. */
  ours: number
  baseline: number
  baselineName: string
  /** `atMost`: ours / baseline; `atLeast`: baseline / ours. */
  target: { atMost: number } | { atLeast: number }
  /** For rows whose figures are no milliseconds. */
  unit?: string
}

export function median(values: readonly number[]): number {
  return [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)]!
}

export function ratio({ ours, baseline, target }: Row): number {
  return 'atMost' in target ? ours / baseline : baseline / ours
}

export function isMet(row: Row): boolean {
  return 'atMost' in row.target ? ratio(row) <= row.target.atMost : ratio(row) >= row.target.atLeast
}

const BLOCK = 10

type Task = () => unknown

async function time(task: Task): Promise<number> {
  const begin = performance.now()
  const own = await task()
  // A task that measures itself (a C program that leaves out its own start) returns its time.
  return typeof own === 'number' ? own : performance.now() - begin
}

export interface Pair {
  name: string
  ours: Task
  baseline: Task
  baselineName: string
  target: Row['target']
  rounds?: number
  /** Before each measured task, unmeasured. */
  before?: () => unknown
}

/** The medians of both, after a few rounds to warm up. */
export async function measurePair(pair: Pair): Promise<Row> {
  const { name, baselineName, target, rounds = 50, before = () => undefined } = pair
  const ours: number[] = []
  const baseline: number[] = []
  const warmUp = Math.ceil(rounds / 5)
  const measure = async (task: Task, times: number[], from: number, to: number): Promise<void> => {
    for (let round = from; round < to; round++) {
      await before()
      const taken = await time(task)
      if (round >= 0) times.push(taken)
    }
  }
  // In turn, but a few at a time: a process that is started empties the caches of an emulator.
  for (let round = -warmUp; round < rounds; round += BLOCK) {
    const end = Math.min(rounds, round + BLOCK)
    await measure(pair.ours, ours, round, end)
    await measure(pair.baseline, baseline, round, end)
  }
  return { name, ours: median(ours), baseline: median(baseline), baselineName, target }
}

/** What a program prints: its own measurement in milliseconds. */
export function measured(program: string, ...args: string[]): number {
  return Number(execFileSync(program, args, { encoding: 'utf8' }))
}
