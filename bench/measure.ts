/** Measures two tasks alternately, so that changes in the load of the machine affect both. */
import { childrenTime } from './process-time'
import { middle, spread, type Figure, type Row, type Target } from './row'

/** What one round took, in milliseconds. */
export interface Sample {
  wall: number
  /** The time of the processors. */
  cpu: number
}

/** A task can measure itself and return the result: the C programs do not count their own start. */
export type Task = () => unknown

export interface Pair {
  name: string
  ours: Task
  baseline: Task
  baselineName: string
  target: Target
  rounds?: number
  /**
   * How many rounds of one task follow each other. One round empties the processor's caches (and those of
   * an emulator) for the other task if this starts a process.
   */
  block?: number
  /** Called before each round. Its time does not count. */
  before?: () => unknown
  /** Called before and after each block of `ours`. */
  around?: { enter: () => unknown; leave: () => unknown }
}

/** The ratio is also computed for each of so many parts of the rounds, to show how much it moves. */
const PARTS = 5

/** If the highest of these ratios is more than this many times the lowest, the rounds are repeated. */
const UNSTEADY = 1.5

const MOST_REPETITIONS = 3

export async function measurePair(pair: Pair): Promise<Row> {
  const { name, baselineName, target, rounds = 50, block = Math.min(10, rounds / PARTS) } = pair
  const { before, around } = pair
  const ours: Sample[] = []
  const baseline: Sample[] = []
  const runOurs = async (count: number): Promise<void> => {
    await around?.enter()
    ours.push(...(await samplesOf(pair.ours, count, before)))
    await around?.leave()
  }
  const runBaseline = async (count: number): Promise<void> => {
    baseline.push(...(await samplesOf(pair.baseline, count, before)))
  }
  // The first rounds, in which code is compiled and caches are filled, do not count.
  await runOurs(Math.ceil(rounds / 5))
  await runBaseline(Math.ceil(rounds / 5))
  ours.length = baseline.length = 0
  let parts: number[] = []
  for (let repetition = 1; repetition <= MOST_REPETITIONS; repetition++) {
    for (let turn = 0; ours.length < rounds * repetition; turn++) {
      const count = Math.ceil(Math.min(block, rounds * repetition - ours.length))
      // Neither task is always the first.
      if (turn % 2 === 0) await runOurs(count)
      await runBaseline(count)
      if (turn % 2 !== 0) await runOurs(count)
    }
    parts = ratiosOfParts(ours, baseline)
    if (Math.max(...parts) <= UNSTEADY * Math.min(...parts)) break
  }
  const [own, other] = [figureOf(ours), figureOf(baseline)]
  return { name, ours: own, baseline: other, baselineName, target, parts }
}

async function samplesOf(task: Task, count: number, before?: Task): Promise<Sample[]> {
  const samples: (Sample & { isOwn: boolean })[] = []
  const begin = childrenTime()
  let preparing = 0
  for (let round = 0; round < count; round++) {
    if (before !== undefined) {
      const begun = childrenTime()
      await before()
      preparing += childrenTime() - begun
    }
    samples.push(await time(task))
  }
  // Once for all rounds of a block, because it takes a dozen files of /proc.
  const children = (childrenTime() - begin - preparing) / count
  return samples.map(({ wall, cpu, isOwn }) => ({ wall, cpu: isOwn ? cpu : cpu + children }))
}

function ratiosOfParts(ours: readonly Sample[], baseline: readonly Sample[]): number[] {
  return Array.from({ length: PARTS }, (_, part) => {
    const [one, other] = [ours, baseline].map((samples) => middle(walls(partOf(samples, part))))
    return one! / other!
  })
}

function partOf(samples: readonly Sample[], part: number): Sample[] {
  const edge = (index: number): number => Math.round((index * samples.length) / PARTS)
  return samples.slice(edge(part), edge(part + 1))
}

const walls = (samples: readonly Sample[]): number[] => samples.map(({ wall }) => wall)

/** The wall time is a median. The time of the processors is a mean, because the kernel counts it in steps. */
export function figureOf(samples: readonly Sample[]): Figure {
  const cpu = samples.reduce((sum, sample) => sum + sample.cpu, 0) / samples.length
  return { wall: middle(walls(samples)), spread: spread(walls(samples)), cpu }
}

/** Runs a task once, without the time of child processes. `isOwn`: the task has measured itself. */
async function time(task: Task): Promise<Sample & { isOwn: boolean }> {
  const used = process.cpuUsage()
  const begin = performance.now()
  const result = await task()
  const wall = performance.now() - begin
  const { user, system } = process.cpuUsage(used)
  if (isSample(result)) return { wall: result.wall, cpu: result.cpu, isOwn: true }
  return { wall, cpu: (user + system) / 1000, isOwn: false }
}

/** Runs a task once. The time of the processors includes all threads and all child processes. */
export async function sampleOf(task: Task): Promise<Sample> {
  const [sample] = await samplesOf(task, 1)
  return sample!
}

function isSample(value: unknown): value is Sample {
  return typeof value === 'object' && value !== null && 'wall' in value && 'cpu' in value
}

/** For what a task costs more than another one: both run in each round. */
export function difference(more: Task, less: Task): () => Promise<Sample> {
  return async () => {
    const one = await sampleOf(less)
    const other = await sampleOf(more)
    return { wall: other.wall - one.wall, cpu: other.cpu - one.cpu }
  }
}

/** A figure without a baseline. */
export async function measureAlone(task: Task, rounds: number): Promise<Figure> {
  await samplesOf(task, Math.ceil(rounds / 5))
  return figureOf(await samplesOf(task, rounds))
}
