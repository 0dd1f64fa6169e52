/** Module parameters, as the one string that the kernel takes for all of them. */
import { invalidValue } from './errors'
import type { Rule } from './options'
import type { ModuleParameters } from './types'

type Value = ModuleParameters[string]

function valueText(name: string, value: unknown): string {
  switch (typeof value) {
    case 'string':
      return value
    case 'boolean':
      return value ? '1' : '0'
    case 'number':
      if (Number.isFinite(value)) return String(value)
      break
    case 'object':
      if (Array.isArray(value) && value.every((one) => ['string', 'number'].includes(typeof one))) {
        return value.map((one: unknown) => valueText(name, one)).join(',')
      }
  }
  throw invalidValue(
    `options.parameters.${name}`,
    'a string, a finite number, a boolean, or an array of strings and numbers',
    value,
  )
}

/** Throws a TypeError for what the kernel cannot parse, or would parse as another parameter. */
export function checkParameters(parameters: unknown): Record<string, string> {
  if (typeof parameters !== 'object' || parameters === null || Array.isArray(parameters)) {
    throw invalidValue('options.parameters', 'an object', parameters)
  }
  const texts: Record<string, string> = {}
  for (const [name, value] of Object.entries(parameters as Record<string, Value | undefined>)) {
    if (value === undefined) continue
    if (!/^[A-Za-z0-9_.-]+$/.test(name)) {
      throw invalidValue(
        'options.parameters',
        'an object whose keys consist of letters, digits, "_", "-" and "."',
        name,
      )
    }
    const text = valueText(name, value)
    if (/["\n\0]/.test(text)) {
      throw invalidValue(
        `options.parameters.${name}`,
        'a value without double quotes, newlines and NUL, which the kernel cannot parse',
        value,
      )
    }
    texts[name] = text
  }
  return texts
}

/** The option `parameters`. */
export const parametersRule: Rule<ModuleParameters> = {
  expected: 'an object',
  accepts: (value): value is ModuleParameters => {
    checkParameters(value) // throws an error that names the parameter
    return true
  },
}

/** Quotes a value with white space, as next_arg() in lib/cmdline.c of the kernel expects it. */
export function parameterString(texts: Record<string, string>): string {
  return Object.entries(texts)
    .map(([name, text]) => `${name}=${/\s/.test(text) ? `"${text}"` : text}`)
    .join(' ')
}
