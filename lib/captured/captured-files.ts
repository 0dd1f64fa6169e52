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

  /** Advances the walks of all paths together, so that each round reads the links of all in one call. */
  async function resolve(paths: readonly string[]): Promise<(string | null)[]> {
    const places = new Array<string | null>(paths.length).fill(null)
    const walks = paths.map((path) => view.walk(path))
    let unfinished = walks.map((walk, i) => ({ i, walk, step: nextStep(walk) }))
    while (unfinished.length > 0) {
      const asked = unfinished.flatMap(({ step }) =>
        step === null || step.done ? [] : [step.value],
      )
      const unknown = [...new Set(asked)].filter((path) => !linkTargets.has(path))
      const targets = unknown.length === 0 ? [] : await hostFiles.readLinks(unknown)
      unknown.forEach((path, k) => linkTargets.set(path, targets[k]!))
      unfinished = unfinished.flatMap(({ i, walk, step }) => {
        if (step === null) return []
        if (step.done) {
          places[i] = step.value
          return []
        }
        return [{ i, walk, step: nextStep(walk, linkTargets.get(step.value) ?? null) }]
      })
    }
    return places
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

type Walk = ReturnType<RootView['walk']>

/** `null`: too many symbolic links, such as a loop. */
function nextStep(walk: Walk, target: string | null = null): ReturnType<Walk['next']> | null {
  try {
    return walk.next(target)
  } catch {
    return null
  }
}
