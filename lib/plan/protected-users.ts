/** Users that no plan releases: what this program needs itself. */
import type { User } from '../contract/types'
import type { Snapshot } from '../kernel/snapshot'

/** Where the files of all modules are; in newer systems the first is a link to the second. */
const MODULE_FOLDERS = ['/lib/modules', '/usr/lib/modules']

export function isProtected(user: User, { mounts }: Snapshot): boolean {
  if (user.kind === 'process') {
    return user.self || user.pid === 1 || user.pid === process.ppid
  }
  if (user.kind !== 'mount') return false
  if (user.path === '/') return true
  const isOwn = mounts.some(({ path, pid, own }) => own && path === user.path && pid === user.pid)
  return isOwn && ownPlaces().some((place) => isBelow(place, user.path))
}

/** The program, this package, the working directory and the module files. */
function ownPlaces(): string[] {
  const places = [process.execPath, __dirname, ...MODULE_FOLDERS]
  try {
    places.push(process.cwd())
  } catch {
    // The working directory was deleted.
  }
  return places
}

export function isBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith('/') ? folder : `${folder}/`)
}
