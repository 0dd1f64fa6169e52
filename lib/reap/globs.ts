/** Patterns of module names. */
import { invalidValue } from '../contract/errors'
import { normalize } from '../contract/names'
import type { Rule } from '../contract/options'

/** `*` and `?` match any characters, `[abc]`, `[a-z]` and `[!abc]` one of some. */
export const glob: Rule<string> = {
  expected: 'a pattern of module names, such as "snd_*"',
  accepts: (value): value is string =>
    typeof value === 'string' && value !== '' && /^[!-~]+$/.test(value) && !/[/.]/.test(value),
}

/** Whether a module name matches one of the patterns, in which `-` and `_` are the same. */
export function matcher(patterns: readonly string[]): (name: string) => boolean {
  const expressions = patterns.map(toExpression)
  return (name) => expressions.some((expression) => expression.test(name))
}

function toExpression(pattern: string): RegExp {
  const source = pattern.replaceAll(/\[[^\]]+\]|[^]/g, (part) => {
    if (part === '*') return '.*'
    if (part === '?') return '.'
    if (part.length > 1) return part.replace(/^\[!/, '[^').replaceAll('\\', '\\\\')
    return normalize(part).replace(/[\\^$.|+(){}[\]]/, '\\$&')
  })
  try {
    return new RegExp(`^${source}$`)
  } catch {
    throw invalidValue('candidates', 'patterns with valid ranges', pattern)
  }
}
