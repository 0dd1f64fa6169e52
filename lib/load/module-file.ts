/** The argument `{ file, files }` of load and reload. */
import { invalidType } from '../contract/errors'
import type { ModuleFile } from '../contract/types'
import { checkFile } from '../inspect/info'

export function isModuleFile(what: unknown): what is object & { file: unknown } {
  return typeof what === 'object' && what !== null && 'file' in what
}

/** Makes the paths absolute. Throws a TypeError if one is wrong. */
export function checkModuleFile(what: object & { file: unknown }): ModuleFile {
  const { file, files } = what as { file: unknown; files?: unknown }
  if (files === undefined) return { file: checkFile(file) }
  if (!Array.isArray(files)) throw invalidType('files', 'an array of strings', files)
  return { file: checkFile(file), files: files.map(checkFile) }
}
