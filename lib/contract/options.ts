/**
 * Checks an options object: every option must be known, and its value have the right type and
 * range.
 */
import { invalidType, invalidValue } from './errors'

/** What the value of an option must be, in words, and the check. */
export interface Rule<T> {
  expected: string
  accepts(value: unknown): value is T
}

export const flag: Rule<boolean> = {
  expected: 'a boolean',
  accepts: (value): value is boolean => typeof value === 'boolean',
}

/** Milliseconds. */
export const duration: Rule<number> = {
  expected: 'a number of milliseconds, 0 or more',
  accepts: (value): value is number => typeof value === 'number' && value >= 0,
}

export const abortSignal: Rule<AbortSignal> = {
  expected: 'an AbortSignal',
  // Not by class: the signal can come from another realm, such as a vm context.
  accepts: (value): value is AbortSignal =>
    typeof value === 'object' &&
    value !== null &&
    'aborted' in value &&
    'addEventListener' in value &&
    typeof value.addEventListener === 'function',
}

export const path: Rule<string> = {
  expected: 'a path: a string that is not empty and has no NUL',
  accepts: (value): value is string =>
    typeof value === 'string' && value !== '' && !value.includes('\0'),
}

export const folderName: Rule<string> = {
  expected: 'the name of a folder, such as "6.1.0-13-amd64"',
  accepts: (value): value is string =>
    typeof value === 'string' && /^[^/\0]+$/.test(value) && value !== '.' && value !== '..',
}

export function oneOf<T extends string>(...words: T[]): Rule<T> {
  return {
    expected: `one of ${words.map((word) => `'${word}'`).join(', ')}`,
    accepts: (value): value is T => (words as unknown[]).includes(value),
  }
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- any parameters and any result
export const callback: Rule<(...args: any[]) => any> = {
  expected: 'a function',
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- as above
  accepts: (value): value is (...args: any[]) => any => typeof value === 'function',
}

export function listOf<T>(rule: Rule<T>): Rule<readonly T[]> {
  return {
    expected: `an array, each element ${rule.expected}`,
    accepts: (value): value is readonly T[] =>
      Array.isArray(value) && value.every((element) => rule.accepts(element)),
  }
}

type Rules<T> = { [K in keyof T]-?: Rule<NonNullable<T[K]>> }

/**
 * Returns a copy of the options without those that are `undefined`, which means the same as absent.
 * Throws a TypeError for everything else that `rules` do not allow.
 */
export function checkOptions<T extends object>(options: unknown, rules: Rules<T>): T {
  if (options === undefined) return {} as T
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw invalidType('options', 'an object', options)
  }
  const checked: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue
    if (!Object.hasOwn(rules, name)) throw unknownOption(name, Object.keys(rules))
    const rule = rules[name as keyof T]
    if (!rule.accepts(value)) throw invalidValue(`options.${name}`, rule.expected, value)
    checked[name] = value
  }
  return checked as T
}

/** In an option that is recognized although it is misspelt. */
const MOST_MISTAKES = 3

function unknownOption(name: string, known: readonly string[]): TypeError {
  const [nearest] = known
    .filter((one) => Math.abs(one.length - name.length) <= MOST_MISTAKES)
    .map((one) => ({ one, distance: editDistance(name, one) }))
    .filter(({ distance }) => distance <= MOST_MISTAKES)
    .sort((a, b) => a.distance - b.distance)
  const advice =
    nearest === undefined
      ? `The options are ${known.join(', ')}.`
      : `Did you mean "${nearest.one}"?`
  const error = new TypeError(`Unknown option "${name}". ${advice}`)
  return Object.assign(error, { code: 'ERR_INVALID_ARG_VALUE' })
}

/** How many letters to insert, delete or replace (Levenshtein), in upper or lower case. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, j) => j)
  for (let i = 1; i <= from.length; i++) {
    const next = [i]
    for (let j = 1; j <= to.length; j++) {
      const isSame = from[i - 1]!.toLowerCase() === to[j - 1]!.toLowerCase()
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (isSame ? 0 : 1)))
    }
    row = next
  }
  return row[to.length]!
}
