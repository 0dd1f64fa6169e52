/** The files, tables, indexes and libkmod of this machine, which lib/captured uses too. */
import { constants } from 'node:fs'
import { readdir, readFile, readlink } from 'node:fs/promises'
import { isFailure, type NativeFailure } from '../kernel/failure'
import type { Host } from '../kernel/host'
import type { SystemFiles } from '../kernel/system-files'
import { findLibrary, LibkmodIndex } from './helper/queries'
import { load, type Native } from './native'

/**
 * O_NONBLOCK: any file of a captured system may be a FIFO, and opening one would block a thread
 * forever.
 */
const READ = constants.O_RDONLY | constants.O_NONBLOCK

const hostFiles: SystemFiles = {
  readTexts: (paths) =>
    readAll(paths, 'readFiles', (path) => readFile(path, { encoding: 'utf8', flag: READ })),
  readLinks: (paths) => readAll(paths, 'readLinks', (path) => readlink(path)),
  readBytes: (paths) =>
    Promise.all(paths.map((path) => readFile(path, { flag: READ }).catch(() => null))),
  listNames: (folders) => Promise.all(folders.map((folder) => readdir(folder).catch(() => []))),
}

/**
 * The addon reads the whole list in one task of the thread pool. Without the addon (on another
 * platform, or where it was not built) Node.js reads each path separately, so that preflight() works
 * there too.
 */
async function readAll(
  paths: readonly string[],
  method: 'readFiles' | 'readLinks',
  readOne: (path: string) => Promise<string>,
): Promise<(string | null)[]> {
  const native = nativeIfAny()
  if (native === null) return Promise.all(paths.map((path) => readOne(path).catch(() => null)))
  const answers: (string | NativeFailure)[] = await native[method](paths)
  return answers.map((answer) => (isFailure(answer) ? null : answer))
}

function nativeIfAny(): Native | null {
  try {
    return load().native
  } catch {
    return null
  }
}

export const host: Host = {
  files: hostFiles,
  readTable: async (path) => {
    const table = await load().native.readTable(path)
    return isFailure(table) ? table : table.text
  },
  openIndex: (locate) => new LibkmodIndex(locate),
  findLibrary,
}
