/** Measures two tasks alternately, so that changes in the load of the machine affect both. */
import { execFileSync } from 'node:child_process'

export interface Row {
  name: string
  /** A median, in milliseconds if `unit` does not say otherwise. */
  ours: number
  baseline: number
  baselineName: string
  /** `atMost`: ours / baseline; `atLeast`: baseline / ours. */
  target: { atMost: number } | { atLeast: number }
  /** Default: ms. */
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
  // A task can measure and return its time itself: the C programs do not count their own start.
  return typeof own === 'number' ? own : performance.now() - begin
}

export interface Pair {
  name: string
  ours: Task
  baseline: Task
  baselineName: string
  target: Row['target']
  rounds?: number
  /** Called before each task. Its time does not count. */
  before?: () => unknown
}

/** The medians of both tasks, after a few rounds whose times do not count. */
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
  // The tasks alternate in blocks of rounds, because starting a process empties an emulator's caches.
  for (let round = -warmUp; round < rounds; round += BLOCK) {
    const end = Math.min(rounds, round + BLOCK)
    await measure(pair.ours, ours, round, end)
    await measure(pair.baseline, baseline, round, end)
  }
  return { name, ours: median(ours), baseline: median(baseline), baselineName, target }
}

/** The milliseconds that a program has measured and printed. */
export function measured(program: string, ...args: string[]): number {
  return Number(execFileSync(program, args, { encoding: 'utf8' }))
}
