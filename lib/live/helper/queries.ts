/** What libkmod knows, asked of the helper: indexes, configuration, module files. */
import { isKmodError, KmodError } from '../../contract/errors'
import { isFailure, unwrap } from '../../kernel/failure'
import type { LibraryFacts } from '../../kernel/host'
import type { IndexSource } from '../../kernel/index-source'
import type { Description, ModuleIndex, Presence, RemovalPolicy } from '../../kernel/module-index'
import { Questions } from './questions'
import type { Reader } from './wire'

export function sourceStrings(source: IndexSource): string[] {
  const { directory, config, loadLists, kernelCommandLine, commandLine } = source
  return [
    directory,
    ...(config === null ? ['0'] : ['1', ...listStrings(config)]),
    ...listStrings(loadLists),
    ...listStrings(commandLine.load),
    kernelCommandLine ? '1' : '0',
  ]
}

function listStrings(list: readonly string[]): string[] {
  return [String(list.length), ...list]
}

const questions = new Questions('queries', {
  code: 'ERR_KMOD_FORMAT',
  why: 'libkmod broke off while it read it, which it does on a damaged file.',
})

/** The libkmod that the helper has loaded, or why it cannot. */
export async function findLibrary(): Promise<LibraryFacts> {
  const doing = 'use libkmod'
  try {
    return {
      libkmod: unwrap(await questions.ask(['library'], doing), doing).text(),
      libraryProblem: null,
    }
  } catch (error) {
    if (!isKmodError(error)) throw error
    return { libkmod: null, libraryProblem: error.message }
  }
}

/** The index, configuration and files of one system, through libkmod. */
export class LibkmodIndex implements ModuleIndex {
  /** `locate` tells the files at each call: a captured system's are put together anew. */
  constructor(private readonly locate: () => Promise<IndexSource>) {}

  async find(names: readonly string[]): Promise<{ complete: boolean; found: Presence[] }> {
    const reader = await this.#read('find', listStrings(names), 'look modules up')
    const complete = reader.flag()
    const found = names.map(() => ({ path: reader.optional(), builtin: reader.flag() }))
    return { complete, found }
  }

  async lookup(aliases: readonly string[]): Promise<string[][]> {
    const reader = await this.#read('lookup', listStrings(aliases), 'look aliases up')
    return aliases.map(() => reader.list())
  }

  async policies(names: readonly string[]): ReturnType<ModuleIndex['policies']> {
    const reader = await this.#read('policy', listStrings(names), 'read the configuration')
    const complete = reader.flag()
    const policies = new Map<string, RemovalPolicy>()
    while (!reader.atEnd) {
      policies.set(reader.text(), {
        removeCommand: reader.optional(),
        softDependencies: { pre: reader.list(), post: reader.list() },
        configured: reader.flag(),
      })
    }
    return { complete, policies }
  }

  async needs(names: readonly string[]): Promise<string[][]> {
    const reader = await this.#read('needs', listStrings(names), 'look dependencies up')
    return names.map(() => reader.list())
  }

  async describe(name: string): Promise<Description | null> {
    const source = await this.locate()
    const doing = `read the information of module ${name}`
    const reader = await this.#ask(source, 'info', [name], doing)
    return reader.flag() ? readDescription(reader, source) : null
  }

  async describeFile(path: string): Promise<Description> {
    const source = await this.locate()
    const doing = `read the module file ${path}`
    return readDescription(await this.#ask(source, 'file', [path], doing), source)
  }

  async #read(verb: string, what: string[], doing: string): Promise<Reader> {
    return this.#ask(await this.locate(), verb, what, doing)
  }

  async #ask(source: IndexSource, verb: string, what: string[], doing: string): Promise<Reader> {
    const answer = await questions.ask([verb, ...sourceStrings(source), ...what], doing)
    if (isFailure(answer) && answer.syscall === 'open' && MISSING.has(answer.errnoName)) {
      throw new KmodError('ERR_KMOD_NOT_FOUND', `There is no file ${answer.detail}.`, {
        errno: -answer.errno,
        errnoCode: answer.errnoName,
        syscall: answer.syscall,
      })
    }
    return unwrap(answer, doing)
  }
}

/** A path that leads nowhere. */
const MISSING = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG'])

function readDescription(reader: Reader, { commandLine }: IndexSource): Description {
  const description: Description = {
    name: reader.text(),
    path: reader.optional(),
    options: reader.optional(),
    removeCommand: reader.optional(),
    installCommand: reader.optional(),
    blacklisted: reader.flag(),
    fields: [],
  }
  while (!reader.atEnd) {
    description.fields.push({ key: reader.text(), value: reader.text() })
  }
  description.blacklisted ||= commandLine.blacklist.includes(description.name)
  return description
}
