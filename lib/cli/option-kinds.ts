/** The kinds of options, and how the text of each becomes the value of an option of a call. */
import { InvalidArgumentError } from 'commander'
import type { Option } from './verb'

export function flag(name: string, help: string): Option {
  return { name, help }
}

/** A time with its unit. */
export function time(name: string, help: string): Option {
  return { name, value: 'TIME', help, parse: duration }
}

/** A time with its unit, or `infinity`. */
export function timeLimit(name: string, help: string): Option {
  return { ...time(name, help), parse: durationOrInfinity }
}

/** One of these words. The call itself checks it. */
export function choice(name: string, words: readonly string[], help: string): Option {
  return { name, value: words.join('|'), words, help }
}

/** Values with commas between them. The option can be repeated. `element`: what a value is called in the help. */
export function list(
  name: string,
  element: string,
  help: string,
  more: Pick<Option, 'words' | 'parse'> = {},
): Option {
  return { name, value: `${element},...`, help, parse: listed, ...more }
}

/** NAME=VALUE. The option can be repeated. */
export function assignments(name: string, help: string): Option {
  return { name, value: 'NAME=VALUE', help: `${help}; can be repeated`, parse: assignment }
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000 }

/** Milliseconds. */
function duration(text: string): number {
  if (text === '0') return 0
  const [, figure, unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(text) ?? []
  if (figure === undefined) {
    const unitMissing = /^\d+(\.\d+)?$/.test(text) ? ` Did you mean ${text}s?` : ''
    throw new InvalidArgumentError(
      `A time is a number with its unit: 500ms, 30s or 2m.${unitMissing}`,
    )
  }
  return Number(figure) * UNITS[unit]!
}

function durationOrInfinity(text: string): number {
  return text === 'infinity' ? Infinity : duration(text)
}

/** Adds to the values of the same option that came before. */
function listed(text: string, before: unknown): string[] {
  const values = text.split(',').filter((value) => value !== '')
  return [...((before as string[] | undefined) ?? []), ...values]
}

/** The value may contain `=` and commas. */
function assignment(text: string, before: unknown): Record<string, string> {
  return { ...(before as Record<string, string> | undefined), ...parameterOf(text) }
}

export function parameterOf(text: string): Record<string, string> {
  const equals = text.indexOf('=')
  if (equals < 1) {
    throw new InvalidArgumentError('A parameter is NAME=VALUE, such as numdummies=2.')
  }
  return { [text.slice(0, equals)]: text.slice(equals + 1) }
}
