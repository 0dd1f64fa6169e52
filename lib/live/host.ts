/** The files, tables, indexes and libkmod of this machine, which lib/captured uses too. */
import { constants } from 'node:fs'
import { readdir, readFile, readlink, stat } from 'node:fs/promises'
import type { NativeFailure } from '../kernel/failure'
import type { Host, LibraryFacts } from '../kernel/host'
import type { IndexSource } from '../kernel/index-source'
import type { ModuleIndex } from '../kernel/module-index'
import type { SystemFiles } from '../kernel/system-files'
import { HelperFiles, type FilesOptions } from './helper/files'
import type { Helpers } from './helper/helpers'
import { findLibrary, LibkmodIndex } from './helper/queries'
import { load } from './native'

export class LiveHost implements Host {
  constructor(
    private readonly helpers: Helpers,
    private readonly signal?: AbortSignal,
  ) {}

  get timeout(): number {
    return this.helpers.timeout
  }

  get files(): SystemFiles {
    return this.#filesWith({})
  }

  /** Files for one reading of the system, in which those that do not answer are missing. */
  filesWithout(onNoAnswer: FilesOptions['onNoAnswer']): SystemFiles {
    return this.#filesWith({ onNoAnswer })
  }

  async readTable(path: string): Promise<string | NativeFailure> {
    return new HelperFiles(this.helpers.files, { signal: this.signal }).readTable(path)
  }

  openIndex(locate: () => Promise<IndexSource>): ModuleIndex {
    return new LibkmodIndex(this.helpers.queries, this.signal, locate)
  }

  findLibrary(): Promise<LibraryFacts> {
    return findLibrary(this.helpers.queries, this.signal)
  }

  hearing(signal: AbortSignal | undefined): LiveHost {
    return new LiveHost(this.helpers, signal)
  }

  close(limit: number): Promise<void> {
    return this.helpers.close(limit)
  }

  #filesWith(options: FilesOptions): SystemFiles {
    if (!hasAddon()) return plainFiles
    return new HelperFiles(this.helpers.files, { signal: this.signal, ...options })
  }
}

function hasAddon(): boolean {
  try {
    load()
    return true
  } catch {
    return false
  }
}

/** O_NONBLOCK: opening a FIFO would block a thread forever. */
const READ = constants.O_RDONLY | constants.O_NONBLOCK

/**
 * For preflight() without the addon, on another platform or where it was not built: there is no helper
 * then, and the few files that it reads take no lock of the kernel.
 */
const plainFiles: SystemFiles = {
  readTexts: (paths) =>
    readAll(paths, (path) => readFile(path, { encoding: 'utf8', flag: READ }), null),
  readBytes: (paths) => readAll(paths, (path) => readFile(path, { flag: READ }), null),
  readLinks: (paths) => readAll(paths, (path) => readlink(path), null),
  listNames: (folders) => readAll<string[], string[]>(folders, (folder) => readdir(folder), []),
  readStatuses: (paths) =>
    readAll(
      paths,
      async (path) => {
        const status = await stat(path)
        const kind = status.isFile() ? 'file' : status.isDirectory() ? 'folder' : 'other'
        return { kind, inode: String(status.ino) } as const
      },
      null,
    ),
}

function readAll<T, Missing>(
  paths: readonly string[],
  readOne: (path: string) => Promise<T>,
  missing: Missing,
): Promise<(T | Missing)[]> {
  return Promise.all(paths.map((path) => readOne(path).catch(() => missing)))
}
