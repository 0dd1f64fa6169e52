/** Users that no plan releases: what this program needs itself. */
import type { User } from '../contract/types'
import { isBelow } from '../kernel/folder-processes'
import type { Snapshot } from '../kernel/snapshot'

/** Where the files of all modules are; in newer systems the first is a link to the second. */
const MODULE_FOLDERS = ['/lib/modules', '/usr/lib/modules']

export function isProtected(user: User, snapshot: Snapshot): boolean {
  if (user.kind === 'process') {
    return user.self || user.pid === 1 || user.pid === process.ppid
  }
  if (user.kind !== 'mount') return false
  if (user.path === '/') return true
  const { folders } = mountedOf(
    user,
    snapshot.mounts.filter(({ own }) => own),
  )
  return ownPlaces().some((place) => folders.some((folder) => isBelow(place, folder)))
}

/** A file system, and all its mounts. */
export interface Mounted {
  /** Undefined if it is not mounted. */
  superblock: string | undefined
  folders: string[]
}

export function mountedOf(
  { path, pid }: User & { kind: 'mount' },
  mounts: Snapshot['mounts'],
): Mounted {
  const found = mounts.find((one) => one.path === path && one.pid === pid)
  const same = mounts.filter(({ superblock }) => superblock === found?.superblock)
  return { superblock: found?.superblock, folders: same.map((one) => one.path) }
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
