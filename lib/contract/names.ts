/** The first stage: checks names and aliases, and spells names as the kernel does. */
import { basename } from 'node:path'
import { invalidType, invalidValue } from './errors'

/** MODULE_NAME_LEN of 64-bit kernels without the NUL. Older kernels silently cut a longer name. */
const NAME_BYTES = 55
/** libkmod copies an alias into a buffer of PATH_MAX bytes. */
const ALIAS_BYTES = 4095
/** depmod knows these. Source: kmod_exts in libkmod/libkmod-util.c. */
const MODULE_ENDING = /\.ko(\.gz|\.xz|\.zst)?$/

/** libkmod takes `-` and `_` for the same. The kernel and all results use `_`. */
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
 * The module that a file is named after; `null`: the text does not look like the path of a file. An alias
 * may contain a slash, but it does not begin like a path.
 */
export function moduleOfFile(text: string): string | null {
  const isFile = /^\.{0,2}\//.test(text) || MODULE_ENDING.test(text)
  return isFile ? normalize(basename(text).replace(MODULE_ENDING, '')) : null
}

/** What to say about the name of a file in place of that of a module; '' for any other text. */
export function fileAdvice(text: string): string {
  const module = moduleOfFile(text)
  if (module === null) return ''
  const here = isName(module) ? `, here "${module}"` : ''
  return ` This is the name of a file, and a module is named without folder and ending${here}. A file is described by info({ file }) and loaded by load({ file }).`
}

/** Checks a module name. Returns it as the kernel spells it. */
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
