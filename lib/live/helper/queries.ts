/**
 * Asks the helper what libkmod knows: indexes, configuration, module files. native/helper/queries.cc
 * is the other end.
 */
import { isKmodError, KmodError } from '../../contract/errors'
import { failureToError, isFailure, unwrap } from '../../kernel/failure'
import type { LibraryFacts } from '../../kernel/host'
import type { IndexSource } from '../../kernel/index-source'
import type { Description, ModuleIndex, Presence, RemovalPolicy } from '../../kernel/module-index'
import type { Questions } from './questions'
import { flagString, listStrings, type Reader } from './wire'

/** As fields of a request: Request::Source() in native/helper/fields.h is the other end. */
export function sourceStrings(source: IndexSource): string[] {
  const { directory, config, loadLists, kernelCommandLine, commandLine } = source
  return [
    directory,
    ...(config === null ? [flagString(false)] : [flagString(true), ...listStrings(config)]),
    ...listStrings(loadLists),
    ...listStrings(commandLine.load),
    flagString(kernelCommandLine),
  ]
}

/** The file of the libkmod that the helper uses, or why it cannot use one. */
export async function findLibrary(
  questions: Questions,
  signal: AbortSignal | undefined,
): Promise<LibraryFacts> {
  const doing = 'use libkmod'
  try {
    const reader = unwrap(await questions.ask(['library'], doing, { signal }), doing)
    return { libkmod: reader.text(), libraryProblem: null }
  } catch (error) {
    if (!isKmodError(error)) throw error
    return { libkmod: null, libraryProblem: error.message }
  }
}

/**
 * The index, configuration and files of one system, through libkmod. Each method is the only place on
 * this side that knows the fields of its answer.
 */
export class LibkmodIndex implements ModuleIndex {
  /**
   * `locate` is called for each question, because the files of a captured system can change their
   * places.
   */
  constructor(
    private readonly questions: Questions,
    private readonly signal: AbortSignal | undefined,
    private readonly locate: () => Promise<IndexSource>,
  ) {}

  async find(names: readonly string[]): Promise<{ complete: boolean; found: Presence[] }> {
    const reader = await this.#read('find', listStrings(names), 'look up modules')
    const complete = reader.flag()
    const found = names.map(() => ({ path: reader.optional(), builtin: reader.flag() }))
    reader.end()
    return { complete, found }
  }

  async lookup(aliases: readonly string[]): Promise<string[][]> {
    const reader = await this.#read('lookup', listStrings(aliases), LOOKING_UP)
    const lists = aliases.map(() => reader.list())
    reader.end()
    return lists
  }

  async policies(names: readonly string[]): ReturnType<ModuleIndex['policies']> {
    const reader = await this.#read('policy', listStrings(names), 'read the configuration')
    const complete = reader.flag()
    const aliases = reader.flag() ? [reader.nativeFailure()] : []
    const loadLists = reader.records((each) => each.nativeFailure())
    const policies = new Map<string, RemovalPolicy>()
    while (!reader.atEnd) {
      policies.set(reader.text(), {
        removeCommand: reader.optional(),
        softDependencies: { pre: reader.list(), post: reader.list() },
        configured: reader.flag(),
      })
    }
    const unreadable = [
      // The same text as for a lookup that fails for the same reason, so that it is listed only once.
      ...aliases.map((why) => `the module index: ${failureToError(why, LOOKING_UP).message}`),
      ...loadLists.map((why) => `the load lists: ${failureToError(why, 'read them').message}`),
    ]
    return { complete, unreadable, policies }
  }

  async needs(names: readonly string[]): Promise<string[][]> {
    const reader = await this.#read('needs', listStrings(names), 'look up dependencies')
    const lists = names.map(() => reader.list())
    reader.end()
    return lists
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
    const request = [verb, ...sourceStrings(source), ...what]
    const answer = await this.questions.ask(request, doing, { signal: this.signal })
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

const LOOKING_UP = 'look up aliases'

/** The names of the errors that mean that there is no file at a path. */
const MISSING = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG'])

/** PutDescription() in native/helper/queries.cc is the other end. */
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
