/** The tables that people read. */
import Table from 'cli-table3'
import { cpuRatio, isMet, ratio, ratioRange, type Figure, type Row, type Target } from './row'
import type { Part } from './run-cases'

export interface TitledPart extends Part {
  title: string
}

const number = (value: number): string =>
  Math.abs(value) >= 1000 ? Math.round(value).toLocaleString('en') : value.toPrecision(3)

function figure({ wall, spread }: Figure, unit: string): string {
  const text = unit === '' ? String(wall) : `${number(wall)} ${unit}`
  return spread === undefined ? text : `${text} ±${Math.round(spread * 100)}%`
}

const cpu = (one: Figure | undefined): string => (one?.cpu === undefined ? '' : number(one.cpu))

const times = (value: number | undefined): string =>
  value === undefined ? '' : `${number(value)}x`

function targetText(target: Target, unit: string): string {
  if (target === null) return ''
  if ('limit' in target) {
    return `<= ${target.limit} ${unit}${target.ofCpu === true ? ' CPU' : ''}`.trim()
  }
  return 'atMost' in target ? `<= ${number(target.atMost)}x` : `${target.atLeast}x faster`
}

function ratioText(row: Row): string {
  const range = ratioRange(row)
  const text = times(ratio(row))
  return range === undefined ? text : `${text} (${range.map(number).join(' to ')})`
}

/** One line. */
export function brief(row: Row): string {
  const beside = row.baselineName === undefined ? '' : ` beside ${row.baselineName}`
  const processor = row.ours.cpu === undefined ? '' : `, CPU ${number(row.ours.cpu)} ms`
  return `${row.name}${beside}: ${figure(row.ours, row.unit ?? 'ms')}${processor}, ${ratioText(row)}`
}

const isSame =
  (one: Row) =>
  (other: Row): boolean =>
    one.name === other.name && one.baselineName === other.baselineName

/** What the row had in an earlier run: its ratio, and how many times as long our side takes now. */
function earlierText(row: Row, earlier: readonly Row[]): [string, string] {
  const before = earlier.find(isSame(row))
  if (before === undefined) return ['', '']
  const had =
    ratio(before) === undefined
      ? figure({ wall: before.ours.wall }, before.unit ?? 'ms')
      : times(ratio(before))
  const change = before.ours.wall === 0 ? '' : times(row.ours.wall / before.ours.wall)
  return [had, change]
}

/** `earlier`: the same part of a run that was saved. */
export function show(part: TitledPart, earlier: readonly Row[] | undefined): void {
  const { noise, machine, title } = part
  console.log(
    `\n${title} (${machine.kernel}, Node.js ${machine.node}, ${machine.processors} processors, load ` +
      `${machine.load.toFixed(1)})`,
  )
  for (const row of noise) {
    console.log(
      `Noise: ${row.name} takes ${figure(row.ours, 'ms')}, and ${ratioText(row)} of that when it is measured again.`,
    )
  }
  const table = new Table({
    head: [
      ...['case', 'median', 'CPU ms', 'beside', 'its median', 'CPU ms'],
      ...['ratio (in fifths)', 'CPU ratio', 'target', ''],
      ...(earlier === undefined ? [] : ['before', 'ours: now / before']),
    ],
    style: { head: [], border: [] },
  })
  for (const row of part.rows) {
    const unit = row.unit ?? 'ms'
    table.push([
      row.name,
      figure(row.ours, unit),
      cpu(row.ours),
      row.baselineName ?? '',
      row.baseline === undefined ? '' : figure(row.baseline, unit),
      cpu(row.baseline),
      ratioText(row),
      times(cpuRatio(row)),
      targetText(row.target, unit),
      row.target === null ? '' : isMet(row) ? 'met' : 'MISSED',
      ...(earlier === undefined ? [] : earlierText(row, earlier)),
    ])
  }
  console.log(table.toString())
}
