import { resolve } from 'node:path'
import { refusalError } from '../change/refusals'
import { invalidType, invalidValue } from '../contract/errors'
import type { Kernel } from '../kernel/kernel'
import type { Description } from '../kernel/module-index'
import { checkName } from '../contract/names'
import { path as pathRule } from '../contract/options'
import type { ModuleInfo } from '../contract/types'
import { rowIfAny, statusOfAbsent } from './status'
import { unknownBlocker } from './unknown'

/** What the file of a module, or the list of built-in modules of the kernel, says about a module. */
export async function info(kernel: Kernel, what: unknown): Promise<ModuleInfo> {
  if (typeof what === 'object' && what !== null && 'file' in what) {
    return toInfo(kernel, await kernel.index.describeFile(checkFile(what.file)))
  }
  if (typeof what !== 'string') throw invalidType('what', 'a string or { file: string }', what)
  const name = checkName(what)
  const description = await kernel.index.describe(name)
  if (description !== null) return toInfo(kernel, description)
  // Some built-in modules are in /sys/module but not in the module index.
  if ((await statusOfAbsent(kernel, name)) === 'builtin') return toInfo(kernel, bareBuiltin(name))
  throw refusalError(await unknownBlocker(kernel, name, 'info'))
}

/**
 * Checks the `file` of `{ file }` and makes it absolute, because the helper has another working
 * directory.
 */
export function checkFile(file: unknown): string {
  if (typeof file !== 'string') throw invalidType('file', 'of type string', file)
  if (!pathRule.accepts(file)) throw invalidValue('file', pathRule.expected, file)
  return resolve(file)
}

function bareBuiltin(name: string): Description {
  const nothing = { path: null, options: null, removeCommand: null, installCommand: null }
  return { name, ...nothing, blacklisted: false, fields: [] }
}

async function toInfo(kernel: Kernel, description: Description): Promise<ModuleInfo> {
  const { fields } = description
  const all = (key: string): string[] =>
    fields.filter((field) => field.key === key).map((field) => field.value)
  const first = (key: string): string | null => all(key)[0] ?? null
  return {
    name: description.name,
    builtin: description.path === null,
    path: description.path,
    description: first('description'),
    license: first('license'),
    version: first('version'),
    srcVersion: first('srcversion'),
    vermagic: first('vermagic'),
    authors: all('author'),
    aliases: all('alias'),
    depends: all('depends').flatMap((list) => list.split(',').filter((name) => name !== '')),
    firmware: all('firmware'),
    softDependencies: parseSoftDependencies(all('softdep')),
    parameters: declaredParameters(fields),
    loaded: await describeLoaded(kernel, description.name),
    config: {
      options: description.options,
      removeCommand: description.removeCommand,
      installCommand: description.installCommand,
      blacklisted: description.blacklisted,
    },
    fields,
  }
}

async function describeLoaded(kernel: Kernel, name: string): Promise<ModuleInfo['loaded']> {
  const row = await rowIfAny(kernel, name)
  if (row == null) return null
  const { version, srcVersion, parameters } = await kernel.attributes(name)
  return { version, srcVersion, parameters: Object.fromEntries(parameters) }
}

/** Each text is like "pre: a b post: c". */
function parseSoftDependencies(texts: readonly string[]): ModuleInfo['softDependencies'] {
  const names: ModuleInfo['softDependencies'] = { pre: [], post: [] }
  for (const text of texts) {
    let list: string[] | null = null
    for (const word of text.split(/\s+/)) {
      if (word === 'pre:') list = names.pre
      else if (word === 'post:') list = names.post
      else if (word !== '') list?.push(word)
    }
  }
  return names
}

/**
 * The parameters that a module file declares, in fields like `parm=NAME:DESCRIPTION` and
 * `parmtype=NAME:TYPE`. For some parameters the file has only one of the two fields.
 */
export function declaredParameters(fields: Description['fields']): ModuleInfo['parameters'] {
  const parameters = new Map<string, ModuleInfo['parameters'][number]>()
  const add = (fieldKey: string, key: 'type' | 'description'): void => {
    for (const { value: text } of fields.filter((field) => field.key === fieldKey)) {
      const colon = text.indexOf(':')
      const name = colon < 0 ? text : text.slice(0, colon)
      const parameter = parameters.get(name) ?? { name, type: null, description: null }
      if (colon >= 0) parameter[key] = text.slice(colon + 1)
      parameters.set(name, parameter)
    }
  }
  add('parm', 'description')
  add('parmtype', 'type')
  return [...parameters.values()]
}
