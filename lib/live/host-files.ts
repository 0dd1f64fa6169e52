/** The files of the running system, many at once. */
import { readdir } from 'node:fs/promises'
import { isFailure, type NativeFailure } from '../kernel/failure'
import { load } from './native'
import type { SystemFiles } from '../kernel/system-files'

export const hostFiles: SystemFiles = {
  readLinks: async (paths) => textsOf(await load().native.readLinks(paths)),
  readFiles: async (paths) => textsOf(await load().native.readFiles(paths)),
  list: (folders) => Promise.all(folders.map((folder) => readdir(folder).catch(() => []))),
}

function textsOf(answers: readonly (string | NativeFailure)[]): (string | null)[] {
  return answers.map((answer) => (isFailure(answer) ? null : answer))
}
