/** What libkmod knows, asked of the helper: indexes, configuration, module files. */
import { isKmodError, KmodError } from '../errors'
import { isFailure, type NativeFailure, unwrap } from '../failure'
import type { Description, KernelFacts, ModuleIndex, Presence } from '../kernel'
import { HelperClient, messageToFailure } from './client'
import { Reader } from './wire'

/** The files to look at: see native/kernel/context.h. */
export interface IndexSource {
  directory: string
  /** `null`: libkmod's own. */
  config: readonly string[] | null
  kernelCommandLine: boolean
}

export function sourceStrings({ directory, config, kernelCommandLine }: IndexSource): string[] {
  return [
    directory,
    ...(config === null ? ['0'] : ['1', ...listStrings(config)]),
    kernelCommandLine ? '1' : '0',
  ]
}

function listStrings(list: readonly string[]): string[] {
  return [String(list.length), ...list]
}

const client = new HelperClient('queries')

/** The last query sent; the next one waits for it. */
let queue: Promise<unknown> = Promise.resolve()

/** The answer to one query; `doing` completes "Cannot ...". */
function ask(strings: string[], doing: string): Promise<Reader | NativeFailure> {
  // One at a time: should libkmod end the helper, it is clear over which query.
  const answer = queue.then(() => exchange(strings, doing))
  queue = answer.catch(() => undefined)
  return answer
}

async function exchange(strings: string[], doing: string): Promise<Reader | NativeFailure> {
  const answer = await new Promise<string[] | null>((resolve, reject) => {
    const begun = client.begin(strings, {
      onMessage: (message) => {
        void begun.then((exchange) => exchange.end())
        resolve(message)
      },
      onLost: () => resolve(null),
    })
    begun.catch(reject)
  })
  if (answer === null) {
    throw new KmodError(
      'ERR_KMOD_FORMAT',
      `Cannot ${doing}: libkmod broke off while it read it, which it does on a damaged file.`,
    )
  }
  if (answer[0] === 'failure') return messageToFailure(answer)
  const reader = new Reader(answer)
  reader.text() // "done"
  return reader
}

/** The libkmod that the helper has loaded, or why it cannot. */
export async function findLibrary(): Promise<Pick<KernelFacts, 'libkmod' | 'libraryProblem'>> {
  const doing = 'use libkmod'
  try {
    return { libkmod: unwrap(await ask(['library'], doing), doing).text(), libraryProblem: null }
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

  async describe(name: string): Promise<Description | null> {
    const reader = await this.#read('info', [name], `read the information of module ${name}`)
    return reader.flag() ? readDescription(reader) : null
  }

  async describeFile(path: string): Promise<Description> {
    return readDescription(await this.#read('file', [path], `read the module file ${path}`))
  }

  async #read(verb: string, what: string[], doing: string): Promise<Reader> {
    const answer = await ask([verb, ...sourceStrings(await this.locate()), ...what], doing)
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

function readDescription(reader: Reader): Description {
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
  return description
}
