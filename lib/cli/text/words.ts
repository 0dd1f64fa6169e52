/** Figures, times and commands as text. */
import { printable } from '../../contract/printable'

export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}

/** Such as `16.0 KiB`. */
export function bytes(size: number): string {
  if (size < 1024) return `${size} B`
  const kibibytes = size / 1024
  return kibibytes < 1024 ? `${kibibytes.toFixed(1)} KiB` : `${(kibibytes / 1024).toFixed(1)} MiB`
}

/** Such as `12 ms` and `1.5 s`. */
export function time(milliseconds: number): string {
  return milliseconds < 1000
    ? `${Math.round(milliseconds)} ms`
    : `${(milliseconds / 1000).toFixed(1)} s`
}

/** A command that can be copied into a shell. */
export function shellCommand(argv: readonly string[]): string {
  return argv.map(quoted).join(' ')
}

function quoted(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word
  // Other users choose the names of mounts. $'...' shows control characters and passes them on.
  const shown = printable(word)
  if (shown === word) return `'${word.replaceAll("'", "'\\''")}'`
  return `$'${shown.replace(/\\u\{(\w+)\}|[\\']/g, (all, hex?: string) => (hex === undefined ? `\\${all}` : `\\u${hex.padStart(4, '0')}`))}'`
}
