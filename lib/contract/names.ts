/** Checks module names and aliases, and converts names to the spelling of the kernel. */
import { basename } from 'node:path'
import { invalidType, invalidValue } from './errors'

/** MODULE_NAME_LEN of 64-bit kernels without the NUL. Older kernels silently cut a longer name. */
const NAME_BYTES = 55
/** libkmod copies an alias into a buffer of PATH_MAX bytes. */
const ALIAS_BYTES = 4095
/** The endings of module files that depmod knows. Source: kmod_exts in libkmod/libkmod-util.c. */
const MODULE_ENDING = /\.ko(\.gz|\.xz|\.zst)?$/

/** libkmod treats `-` and `_` as the same character. The kernel and all results use `_`. */
export function normalize(name: string): string {
  return name.replaceAll('-', '_')
}

/**
 * A module name is printable ASCII without `/`, white space and `.`. (libkmod cuts a name at its
 * first dot, and would remove another module.)
 */
export function isName(text: string): boolean {
  return (
    text.length >= 1 && text.length <= NAME_BYTES && /^[!-~]+$/.test(text) && !/[/.]/.test(text)
  )
}

/**
 * Returns the module name that a file name contains; `null` if the text does not look like the path of
 * a file. An alias may contain a slash, but it does not begin like a path.
 */
export function moduleOfFile(text: string): string | null {
  const isFile = /^\.{0,2}\//.test(text) || MODULE_ENDING.test(text)
  return isFile ? normalize(basename(text).replace(MODULE_ENDING, '')) : null
}

/**
 * Returns sentences to add to an error message if the caller gave the path of a file instead of the
 * name of a module; '' for any other text.
 */
export function fileAdvice(text: string): string {
  const module = moduleOfFile(text)
  if (module === null) return ''
  const example = isName(module) ? `, here "${module}"` : ''
  return ` This is the name of a file. Give the module name, without folder and file ending${example}. Use info({ file }) to describe a file, and load({ file }) to load it.`
}

/** Checks a module name. Returns it with `_` instead of `-`, as the kernel spells it. */
export function checkName(value: unknown, argument = 'name'): string {
  if (typeof value !== 'string') throw invalidType(argument, 'of type string', value)
  if (!isName(value)) {
    throw invalidValue(
      argument,
      `a module name: 1 to ${NAME_BYTES} bytes of printable ASCII without '/', '.' and white space`,
      value,
      fileAdvice(value),
    )
  }
  return normalize(value)
}

/** Checks a module name or an alias (`pci:v00008086d*`, `fs-ext4`). Returns it unchanged. */
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

/** Checks one or several names or aliases. */
export function checkTargets(names: unknown): string[] {
  if (typeof names === 'string') return [checkAlias(names, 'names')]
  if (!Array.isArray(names)) throw invalidType('names', 'a string or an array of strings', names)
  return names.map((name, i) => checkAlias(name, `names[${i}]`))
}
