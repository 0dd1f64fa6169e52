import { basename, dirname, join } from 'node:path'
import { hostFiles } from '../live/host-files'
import type { RootView } from './root-view'
import type { SystemFiles } from '../kernel/system-files'

export interface CapturedFiles extends SystemFiles {
  /** Where on the host each path is; `null`: its links never end. */
  places(paths: readonly string[]): Promise<(string | null)[]>
}

/**
 * The files of a captured root, for one pass over them: where the links on the way lead is read once
 * for each folder, and for many paths at a time.
 */
export function capturedFiles(view: RootView): CapturedFiles {
  const links = new Map<string, string | null>()

  async function resolve(paths: readonly string[]): Promise<(string | null)[]> {
    const places = new Array<string | null>(paths.length).fill(null)
    const walks = paths.map((path) => view.walk(path))
    let under = walks.map((walk, i) => ({ i, walk, step: next(walk) }))
    while (under.length > 0) {
      const asked = under.flatMap(({ step }) => (step === null || step.done ? [] : [step.value]))
      const unknown = [...new Set(asked)].filter((path) => !links.has(path))
      const targets = unknown.length === 0 ? [] : await hostFiles.readLinks(unknown)
      unknown.forEach((path, k) => links.set(path, targets[k]!))
      under = under.flatMap(({ i, walk, step }) => {
        if (step === null) return []
        if (step.done) {
          places[i] = step.value
          return []
        }
        return [{ i, walk, step: next(walk, links.get(step.value) ?? null) }]
      })
    }
    return places
  }

  /** Reads what could be placed. */
  async function onHost<T>(
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
    places: resolve,
    readFiles: (paths) => onHost(paths, (places) => hostFiles.readFiles(places), null),
    list: (folders) =>
      onHost<string[]>(
        folders,
        async (places) => (await hostFiles.list(places)).map((names) => names.sort()),
        [],
      ),
    // The link itself is not followed.
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

/** The next folder that a walk asks about; `null`: it goes round in circles. */
function next(walk: Walk, target: string | null = null): ReturnType<Walk['next']> | null {
  try {
    return walk.next(target)
  } catch {
    return null
  }
}
