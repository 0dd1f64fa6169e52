/** One row of the tables: a figure, what it is compared with, and what it must not exceed. */

export interface Figure {
  /** The median of the rounds, in milliseconds if the row has no other unit. */
  wall: number
  /** Half of the range of the middle half of the rounds (the interquartile range), as a part of the median. */
  spread?: number
  /** Milliseconds of the processors for one round, in all threads and child processes. */
  cpu?: number
}

/**
 * `atMost`: ours / baseline. `atLeast`: baseline / ours. `limit`: the figure itself, in its unit; with
 * `ofCpu` the time of the processor, which does not count what else the machine does. `null`: only for
 * information.
 */
export type Target =
  { atMost: number } | { atLeast: number } | { limit: number; ofCpu?: boolean } | null

export interface Row {
  name: string
  ours: Figure
  baseline?: Figure
  baselineName?: string
  target: Target
  /** The ratio ours / baseline in each part of the measurement. */
  parts?: number[]
  /** Default: ms. */
  unit?: string
}

/** A part of the benchmark: `npm run bench -- --only PATTERN` chooses by the name. */
export interface Case {
  name: string
  /** `programs`: the folder with the compiled C programs. */
  rows: (programs: string) => Promise<Row | Row[]>
}

function quantile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]!
}

const ascending = (values: readonly number[]): number[] =>
  [...values].sort((one, other) => one - other)

/** The median. */
export function middle(values: readonly number[]): number {
  return quantile(ascending(values), 0.5)
}

export function spread(values: readonly number[]): number {
  const sorted = ascending(values)
  return (quantile(sorted, 0.75) - quantile(sorted, 0.25)) / 2 / Math.abs(quantile(sorted, 0.5))
}

const isFaster = ({ target }: Row): boolean => target !== null && 'atLeast' in target

/** How many times as slow, or as fast, as the baseline. `undefined`: it has none. */
export function ratio(row: Row): number | undefined {
  const { ours, baseline } = row
  // Nothing beside nothing has no ratio: a count that is 0, say.
  if (baseline === undefined || baseline.wall === 0) return undefined
  return isFaster(row) ? baseline.wall / ours.wall : ours.wall / baseline.wall
}

/** The same with the time of the processors. */
export function cpuRatio(row: Row): number | undefined {
  const { ours, baseline } = row
  if (ours.cpu === undefined || baseline?.cpu === undefined) return undefined
  return isFaster(row) ? baseline.cpu / ours.cpu : ours.cpu / baseline.cpu
}

/** The lowest and the highest ratio of the parts of the measurement. */
export function ratioRange(row: Row): [number, number] | undefined {
  if (row.parts === undefined) return undefined
  const ratios = ascending(row.parts.map((one) => (isFaster(row) ? 1 / one : one)))
  return [ratios[0]!, ratios.at(-1)!]
}

export function isMet(row: Row): boolean {
  const { target, ours } = row
  if (target === null) return true
  if ('limit' in target) return (target.ofCpu === true ? ours.cpu! : ours.wall) <= target.limit
  return 'atMost' in target ? ratio(row)! <= target.atMost : ratio(row)! >= target.atLeast
}
