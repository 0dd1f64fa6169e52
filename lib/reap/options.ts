/** The options of an IdleReaper. */
import { invalidType, invalidValue } from '../contract/errors'
import { abortSignal, checkOptions, flag, listOf, timeLimit, type Rule } from '../contract/options'
import { glob, matcher } from './globs'

export interface CheckedReaperOptions {
  candidates: readonly string[]
  keep: readonly string[]
  interval: number
  dryRun: boolean
  ref: boolean
  signal: AbortSignal | undefined
}

const DEFAULT_INTERVAL = 180_000

/** Its kernel is taken from it later, with an error of its own. */
const someKmod: Rule<object> = {
  expected: 'a Kmod',
  accepts: (value): value is object => typeof value === 'object' && value !== null,
}

/** Throws a TypeError for a wrong option. */
export function checkReaperOptions(options: unknown): CheckedReaperOptions {
  if (options === undefined) throw invalidType('options', 'an object', options)
  const checked = checkOptions<Partial<CheckedReaperOptions> & { kmod?: object }>(options, {
    candidates: listOf(glob),
    keep: listOf(glob),
    interval: timeLimit,
    dryRun: flag,
    ref: flag,
    signal: abortSignal,
    kmod: someKmod,
  })
  const { candidates, keep = [], interval = DEFAULT_INTERVAL } = checked
  if (candidates === undefined) {
    throw invalidValue('options.candidates', `given: ${listOf(glob).expected}`, candidates)
  }
  matcher([...candidates, ...keep]) // throws for a wrong range
  const { dryRun = false, ref = true, signal } = checked
  return { candidates: [...candidates], keep: [...keep], interval, dryRun, ref, signal }
}
