/** Aligned columns. */
import Table, { type HorizontalAlignment } from 'cli-table3'
import { stripVTControlCharacters } from 'node:util'
import type { Screen } from '../screen'

/** If less is left for the last column, its text stands below the row. */
const NARROWEST = 20
const GAP = '  '

const NO_BORDERS = {
  ...{ top: '', 'top-mid': '', 'top-left': '', 'top-right': '' },
  ...{ bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '' },
  ...{ left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '' },
  middle: '',
}

interface TableOptions {
  head?: readonly string[]
  /** Of each column; default: left. */
  align?: readonly HorizontalAlignment[]
  /** What stands before each line. */
  indent?: string
}

/**
 * The last column may contain texts of any length and any characters: on a terminal it is wrapped.
 * The other columns contain short ASCII.
 */
export function table(
  screen: Screen,
  rows: readonly (readonly string[])[],
  { head, align = [], indent = '' }: TableOptions = {},
): string {
  if (rows.length === 0) return ''
  const all = head === undefined ? rows : [head, ...rows]
  const columns = all[0]!.length
  const widths = Array.from({ length: columns - 1 }, (_, column) =>
    Math.max(...all.map((row) => stripVTControlCharacters(row[column]!).length)),
  )
  const used = widths.reduce((sum, width) => sum + width + GAP.length, indent.length)
  if (screen.width - used < NARROWEST && columns > 1) {
    return stacked(screen, all, indent)
  }
  const rest = Math.max(NARROWEST, screen.width - used)
  const wrapped = Number.isFinite(rest)
  const drawn = new Table({
    chars: NO_BORDERS,
    style: { 'padding-left': 0, 'padding-right': GAP.length, head: [], border: [], compact: true },
    colAligns: Array.from({ length: columns }, (_, column) => align[column] ?? 'left'),
    ...(wrapped && {
      // A width of this library includes the padding.
      colWidths: [...widths.map((width) => width + GAP.length), rest + GAP.length],
      wordWrap: true,
      wrapOnWordBoundary: true,
    }),
  })
  if (head !== undefined) drawn.push(head.map((name) => screen.paint.dim(name)))
  drawn.push(...rows.map((row) => [...row]))
  return drawn
    .toString()
    .split('\n')
    .map((line) => `${indent}${line}`.trimEnd())
    .join('\n')
}

/** For a narrow terminal. */
function stacked(screen: Screen, rows: readonly (readonly string[])[], indent: string): string {
  return rows
    .flatMap((row) => [
      paragraph(screen, row.slice(0, -1).join(GAP), indent),
      paragraph(screen, row.at(-1)!, `${indent}    `),
    ])
    .filter((line) => line.trim() !== '')
    .join('\n')
}

/** Text of one paragraph, wrapped like the last column of a table. */
export function paragraph(screen: Screen, text: string, indent = ''): string {
  return table(screen, [[text]], { indent })
}
