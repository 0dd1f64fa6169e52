/**
 * Checks an options object: every option must be known, and its value must have the right type and
 * range.
 */
import { invalidType, invalidValue } from './errors'
import { didYouMean } from './nearest'
import type { EffectKind, ReleaseKind } from './types'

/** Milliseconds that the system may take to answer one question. */
export const DEFAULT_TIMEOUT = 10_000

/** A check of the value of an option. `expected` says in words what it accepts. */
export interface Rule<T> {
  expected: string
  accepts(value: unknown): value is T
  /** A sentence to add about a value that is not accepted, such as ' Did you mean "x"?'; or ''. */
  advice?(value: unknown): string
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

/** Milliseconds that an operation may take. 0 is refused: every operation takes some time. */
export const timeLimit: Rule<number> = {
  expected: 'a number of milliseconds above 0, or Infinity',
  accepts: (value): value is number => typeof value === 'number' && value > 0,
}

export const abortSignal: Rule<AbortSignal> = {
  expected: 'an AbortSignal',
  // Not checked with instanceof: the signal can come from another realm, such as a vm context.
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
    advice: (value) => (typeof value === 'string' ? didYouMean(value, words) : ''),
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
    advice: (value): string => {
      const wrong: unknown = Array.isArray(value) && value.find((element) => !rule.accepts(element))
      return rule.advice?.(wrong) ?? ''
    },
  }
}

/** An object, not an array, so that TypeScript reports a kind that is missing. */
export const RELEASE_KINDS: Record<ReleaseKind, true> = {
  mount: true,
  swap: true,
  interface: true,
  block: true,
  device: true,
  service: true,
  process: true,
}

/** An element of `release`. */
export const releaseKind: Rule<ReleaseKind> = oneOf(
  ...(Object.keys(RELEASE_KINDS) as ReleaseKind[]),
)

/** The same for effects. */
export const EFFECT_KINDS: Record<EffectKind, true> = {
  'root-filesystem': true,
  filesystem: true,
  swap: true,
  'default-route': true,
  session: true,
  firewall: true,
  interface: true,
  display: true,
  input: true,
  'virtual-machine': true,
  storage: true,
}

/** An element of `allow`. The subject may contain colons. */
export const effect: Rule<EffectKind | `${EffectKind}:${string}`> = {
  expected: `an effect, KIND or KIND:SUBJECT, where KIND is one of ${Object.keys(EFFECT_KINDS).join(', ')}`,
  accepts: (value): value is EffectKind | `${EffectKind}:${string}` => {
    if (typeof value !== 'string') return false
    const [kind, subject] = splitEffect(value)
    return Object.hasOwn(EFFECT_KINDS, kind) && subject !== ''
  },
  advice: (value): string => {
    if (typeof value !== 'string') return ''
    const [kind] = splitEffect(value)
    if (!Object.hasOwn(EFFECT_KINDS, kind)) return didYouMean(kind, Object.keys(EFFECT_KINDS))
    return ` The subject after '${kind}:' is missing.`
  },
}

/** `subject` is undefined in a text without a colon. */
function splitEffect(text: string): [kind: string, subject: string | undefined] {
  const colon = text.indexOf(':')
  return colon < 0 ? [text, undefined] : [text.slice(0, colon), text.slice(colon + 1)]
}

type Rules<T> = { [K in keyof T]-?: Rule<NonNullable<T[K]>> }

/**
 * Returns a copy of the options without those that are `undefined`, which means the same as absent.
 * Throws a TypeError for an unknown option, and for a value that the rule of its option does not
 * accept.
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
    if (!rule.accepts(value)) {
      const advice = rule.advice?.(value)
      throw invalidValue(`options.${name}`, rule.expected, value, advice)
    }
    checked[name] = value
  }
  return checked as T
}

function unknownOption(name: string, known: readonly string[]): TypeError {
  const advice = didYouMean(name, known) || ` The options are ${known.join(', ')}.`
  const error = new TypeError(`Unknown option "${name}".${advice}`)
  return Object.assign(error, { code: 'ERR_INVALID_ARG_VALUE' })
}
