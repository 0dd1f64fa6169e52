/** The first stage: is this a name or an alias at all, and how does the kernel spell it. */
import { invalidType, invalidValue } from './errors'

/** MODULE_NAME_LEN of 64-bit kernels, less the NUL. Older kernels cut a longer name silently. */
const NAME_BYTES = 55
/** libkmod keeps an alias in a buffer of PATH_MAX. */
const ALIAS_BYTES = 4095

/** `-` and `_` are the same to libkmod; the kernel and all results have `_`. */
export function normalize(name: string): string {
  return name.replaceAll('-', '_')
}

/**
 * A module's name: printable ASCII without `/`, white space and `.`. (libkmod cuts a name at its
 * first dot, and would remove another module.)
 */
export function isName(text: string): boolean {
  return (
    text.length >= 1 && text.length <= NAME_BYTES && /^[!-~]+$/.test(text) && !/[/.]/.test(text)
  )
}

/** Checks a module name and returns it as the kernel spells it. */
export function checkName(value: unknown, argument = 'name'): string {
  if (typeof value !== 'string') throw invalidType(argument, 'of type string', value)
  if (!isName(value)) {
    throw invalidValue(
      argument,
      `a module name: 1 to ${NAME_BYTES} bytes of printable ASCII without '/', '.' and white space`,
      value,
    )
  }
  return normalize(value)
}

/** Checks a module name or alias; an alias (`pci:v00008086d*`, `fs-ext4`) is returned as it is. */
export function checkAlias(value: unknown, argument = 'name'): string {
  if (typeof value !== 'string') throw invalidType(argument, 'of type string', value)
  const bytes = Buffer.byteLength(value)
  if (bytes < 1 || bytes > ALIAS_BYTES || value.includes('\0')) {
    throw invalidValue(
      argument,
      `a module name or alias: 1 to ${ALIAS_BYTES} bytes without NUL`,
      value,
    )
  }
  return value
}

/** One or several names or aliases. */
export function checkTargets(names: unknown): string[] {
  if (typeof names === 'string') return [checkAlias(names, 'names')]
  if (!Array.isArray(names)) throw invalidType('names', 'a string or an array of strings', names)
  return names.map((name, i) => checkAlias(name, `names[${i}]`))
}
