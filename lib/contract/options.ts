/** Checks an options object: every option known, of its type and in its range. */
import { invalidType, invalidValue } from './errors'

/** What an option must be, in words, and whether a value is. */
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
  // By shape: a signal can come from another realm.
  accepts: (value): value is AbortSignal =>
    typeof value === 'object' &&
    value !== null &&
    'aborted' in value &&
    'addEventListener' in value &&
    typeof value.addEventListener === 'function',
}

export const path: Rule<string> = {
  expected: 'a path: a string, not empty, without NUL',
  accepts: (value): value is string =>
    typeof value === 'string' && value !== '' && !value.includes('\0'),
}

export const folderName: Rule<string> = {
  expected: 'a name of a folder, such as "6.1.0-13-amd64"',
  accepts: (value): value is string =>
    typeof value === 'string' && /^[^/\0]+$/.test(value) && value !== '.' && value !== '..',
}

export function oneOf<T extends string>(...words: T[]): Rule<T> {
  return {
    expected: `one of ${words.map((word) => `'${word}'`).join(', ')}`,
    accepts: (value): value is T => (words as unknown[]).includes(value),
  }
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- whatever the caller's takes and returns
export const callback: Rule<(...args: any[]) => any> = {
  expected: 'a function',
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- likewise
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

/** Returns a copy of the options without those that are `undefined`, which is the same as absent. */
export function checkOptions<T extends object>(options: unknown, rules: Rules<T>): T {
  if (options === undefined) return {} as T
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw invalidType('options', 'an object', options)
  }
  const checked: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue
    if (!Object.hasOwn(rules, name)) {
      throw invalidValue('options', `without the unknown option "${name}"`, options)
    }
    const rule = rules[name as keyof T]
    if (!rule.accepts(value)) throw invalidValue(`options.${name}`, rule.expected, value)
    checked[name] = value
  }
  return checked as T
}
