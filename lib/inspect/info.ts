import { resolve } from 'node:path'
import { refusalError } from '../change/refusals'
import { invalidType, invalidValue } from '../contract/errors'
import type { Kernel } from '../kernel/kernel'
import type { Description } from '../kernel/module-index'
import { checkName } from '../contract/names'
import { path as pathRule } from '../contract/options'
import type { ModuleInfo } from '../contract/types'
import { statusOfAbsent } from './status'
import { unknownBlocker } from './unknown'

/** What a module's file says about it, or the kernel's list of built-in modules. */
export async function info(kernel: Kernel, what: unknown): Promise<ModuleInfo> {
  if (typeof what === 'object' && what !== null && 'file' in what) {
    return toInfo(await kernel.index.describeFile(checkFile(what.file)))
  }
  if (typeof what !== 'string') throw invalidType('what', 'a string or { file: string }', what)
  const name = checkName(what)
  const description = await kernel.index.describe(name)
  if (description !== null) return toInfo(description)
  // Some built-in modules are in /sys/module and in no index.
  if ((await statusOfAbsent(kernel, name)) === 'builtin') return toInfo(bareBuiltin(name))
  throw refusalError(await unknownBlocker(kernel, name, 'info'))
}

/** Checks the `file` of `{ file }`. Makes it absolute: the helper has another working directory. */
export function checkFile(file: unknown): string {
  if (typeof file !== 'string') throw invalidType('file', 'of type string', file)
  if (!pathRule.accepts(file)) throw invalidValue('file', pathRule.expected, file)
  return resolve(file)
}

function bareBuiltin(name: string): Description {
  const nothing = { path: null, options: null, removeCommand: null, installCommand: null }
  return { name, ...nothing, blacklisted: false, fields: [] }
}

function toInfo(description: Description): ModuleInfo {
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
    parameters: parseParameters(all('parm'), all('parmtype')),
    loaded: null,
    config: {
      options: description.options,
      removeCommand: description.removeCommand,
      installCommand: description.installCommand,
      blacklisted: description.blacklisted,
    },
    fields,
  }
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

/** Texts like "NAME:DESCRIPTION" and "NAME:TYPE". A parameter may have only one of the two. */
function parseParameters(
  descriptions: readonly string[],
  types: readonly string[],
): ModuleInfo['parameters'] {
  const parameters = new Map<string, ModuleInfo['parameters'][number]>()
  const add = (text: string, key: 'type' | 'description'): void => {
    const colon = text.indexOf(':')
    const name = colon < 0 ? text : text.slice(0, colon)
    const parameter = parameters.get(name) ?? { name, type: null, description: null }
    if (colon >= 0) parameter[key] = text.slice(colon + 1)
    parameters.set(name, parameter)
  }
  for (const text of descriptions) add(text, 'description')
  for (const text of types) add(text, 'type')
  return [...parameters.values()]
}
