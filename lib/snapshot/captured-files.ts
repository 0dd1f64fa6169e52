import type { RootView } from '../root-view'
import type { SystemFiles } from './files'

/** Not all at once: there is a limit on open files, and what is beyond it would look missing. */
const AT_ONCE = 64

/** The files of a captured root. */
export function capturedFiles(view: RootView): SystemFiles {
  return {
    readLinks: (paths) => inTurns(paths, (path) => view.readLink(path)),
    readFiles: (paths) => inTurns(paths, (path) => view.read(path)),
    list: (folders) => inTurns(folders, (folder) => view.list(folder)),
  }
}

async function inTurns<T>(
  paths: readonly string[],
  read: (path: string) => Promise<T>,
): Promise<T[]> {
  const results: T[] = []
  for (let at = 0; at < paths.length; at += AT_ONCE) {
    results.push(...(await Promise.all(paths.slice(at, at + AT_ONCE).map(read))))
  }
  return results
}
