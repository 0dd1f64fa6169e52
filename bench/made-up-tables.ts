/** Tables of modules of any length, in the form of /proc/modules, and kernels that read them. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { LiveKernel } from '../lib/live/live-kernel'

/** The text of /proc/modules with this number of rows, some of them with holders. */
export function makeTable(rows: number): string {
  const name = (i: number): string => `module_number_${i % rows}`
  return Array.from({ length: rows }, (_, i) => {
    const holders = Array.from({ length: i % 3 }, (_, k) => `${name(i * 7 + k)},`).join('')
    const address = `0xffffffffc0${(i * 4096).toString(16).padStart(6, '0')}`
    return `${name(i)} ${16384 + i * 64} ${i % 3} ${holders || '-'} Live ${address}\n`
  }).join('')
}

/** Rows in groups of four: three modules use the fourth, which has one more reference. */
export function makeFamilies(rows: number): string {
  const address = '0xffffffffc0000000'
  return Array.from({ length: rows }, (_, i) => {
    const base = i % 4 === 3
    const holders = base ? [1, 2, 3].map((k) => `family_${i - k},`).join('') : '-'
    return `family_${i} 16384 ${base ? 4 : 0} ${holders} Live ${address}\n`
  }).join('')
}

/** Modules of a group that may all be removed. */
export const familyTargets = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => `family_${i * 4}`)

/** The running system, but with this table of modules: also on a machine whose kernel has none. */
export function kernelWith(folder: string, table: string): { kernel: LiveKernel; file: string } {
  const file = join(folder, `modules-${table.length}`)
  writeFileSync(file, table)
  // Reads as on the running system (two readings that must agree), but from this file.
  return { kernel: LiveKernel.open({}, 10_000, file), file }
}
