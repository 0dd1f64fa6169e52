/** The files of a captured system. */
import { basename, dirname, join } from 'node:path'
import type { SystemFiles } from '../kernel/system-files'
import type { RootView } from './root-view'

export interface CapturedFiles extends SystemFiles {
  /** The path on this machine of each path; `null`: too many symbolic links, such as a loop. */
  resolve(paths: readonly string[]): Promise<(string | null)[]>
}

/**
 * Reads the files of a captured system as files of this machine, `hostFiles`. The paths of one call
 * are resolved together, and the targets of the links are cached. The object is for one reading of a
 * captured system: it does not notice links that change later.
 */
export function capturedFiles(view: RootView, hostFiles: SystemFiles): CapturedFiles {
  const linkTargets = new Map<string, string | null>()

  /** Each round reads the links of all paths in one call. */
  async function resolve(paths: readonly string[]): Promise<(string | null)[]> {
    for (;;) {
      const found = paths.map((path) => follow(path))
      const unknown = new Set(found.flatMap((one) => (Array.isArray(one) ? one : [])))
      if (unknown.size === 0) return found as (string | null)[]
      const places = [...unknown]
      const targets = await hostFiles.readLinks(places)
      places.forEach((place, k) => linkTargets.set(place, targets[k]!))
    }
  }

  /** As RootView.follow(); `null`: too many symbolic links, such as a loop. */
  function follow(path: string): string | string[] | null {
    try {
      return view.follow(path, linkTargets)
    } catch {
      return null
    }
  }

  /** Reads what could be resolved; the answer for anything else is `missing`. */
  async function readResolved<T>(
    paths: readonly string[],
    read: (places: readonly string[]) => Promise<T[]>,
    missing: T,
  ): Promise<T[]> {
    const places = await resolve(paths)
    const found = await read(places.filter((place) => place !== null))
    let at = 0
    return places.map((place) => (place === null ? missing : found[at++]!))
  }

  return {
    resolve,
    readTexts: (paths) => readResolved(paths, (places) => hostFiles.readTexts(places), null),
    readBytes: (paths) => readResolved(paths, (places) => hostFiles.readBytes(places), null),
    listNames: (folders) =>
      readResolved<string[]>(
        folders,
        // Sorted so that the answers do not depend on the file system of this machine.
        async (places) => (await hostFiles.listNames(places)).map((names) => names.sort()),
        [],
      ),
    readStatuses: (paths) => readResolved(paths, (places) => hostFiles.readStatuses(places), null),
    // The folder of the link is resolved, the link itself is read.
    readLinks: async (paths): Promise<(string | null)[]> => {
      const folders = await resolve(paths.map((path) => dirname(path)))
      const places = folders.map((folder, i) =>
        folder === null ? '' : join(folder, basename(paths[i]!)),
      )
      return hostFiles.readLinks(places)
    },
  }
}
