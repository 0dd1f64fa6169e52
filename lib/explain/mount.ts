/** Mounted file systems of a type that the module provides. */
import { posix } from 'node:path'
import type { User } from '../contract/types'
import type { Mount, Snapshot } from '../kernel/snapshot'
import { fileSystems } from '../snapshot/storage/mounts'
import { firstText, using, type FindUsers } from './kind'

/**
 * A file system takes one reference in total, even if it is mounted several times. Source:
 * alloc_super() in fs/super.c, get_filesystem() in fs/filesystems.c.
 */
export const mountUsers: FindUsers = (row, snapshot) => {
  const found = fileSystems(using(snapshot.mounts, row))
  if (found.length === 0) return []
  const obstacles = new Obstacles(snapshot)
  return found.map(({ mount, others }) => {
    const { path, source, type, pid } = mount
    const release = releaseOf(mount, others, obstacles)
    return { kind: 'mount', module: row.name, path, source, type, pid, references: 1, release }
  })
}

/** Source: nfsd_umount() in fs/nfsd/nfsctl.c. */
const NFS_SERVER = ': this stops the NFS server of its network namespace'

export function releaseOf(
  mount: Mount,
  others: readonly Mount[],
  obstacles: Obstacles,
): User['release'] {
  const mounts = [mount, ...others]
  const { path, source, type, pid, own } = mount
  const what = `${type} on ${source}`
  const where = own ? '' : ` in the mount namespace of process ${pid}`
  if (mounts.some(({ isRoot }) => isRoot)) {
    const text = `the root file system (${what}) cannot be unmounted while the system runs`
    return { kind: null, text, command: null }
  }
  if (path === '/') {
    const text = `the root file system${where} (${what}) is released when the processes in this namespace end`
    return { kind: null, text, command: null }
  }
  const first = firstText(obstacles.of(mounts))
  const also = others.length === 0 ? '' : `; it is also mounted on ${placesOf(others)}`
  const ends = type === 'nfsd' ? NFS_SERVER : ''
  const text = `${first}unmount ${path}${where} (${what})${also}${ends}`
  const command = unmountCommand(mounts)
  if (command === null) return { kind: null, text, command }
  return { kind: 'mount', text, command: first === '' ? command : null }
}

/**
 * The argv that unmounts all mounts of a file system once nothing is mounted on them; `null`: one command
 * cannot, because they are in several namespaces.
 */
export function unmountCommand(mounts: readonly Mount[]): string[] | null {
  const { own, pid } = mounts[0]!
  // An unmount of a mount that sends to others unmounts these, too.
  const here: Mount[] = []
  const copies = new Set<string>()
  const isCopy = ({ receives }: Mount): boolean => receives.some((place) => copies.has(place))
  const inOrder = [...mounts].sort(
    (one, other) => Number(one.sends === null) - Number(other.sends === null),
  )
  for (const mount of inOrder.filter((one) => one.pid === pid)) {
    if (isCopy(mount)) continue
    here.push(mount)
    if (mount.sends !== null) copies.add(mount.sends)
  }
  if (!mounts.every((mount) => mount.pid === pid || isCopy(mount))) return null
  // The deepest ones come first, because they may be mounted on the others.
  const paths = here.map(({ path }) => path).sort((one, other) => other.length - one.length)
  return ['umount', ...(own ? [] : ['-N', String(pid)]), ...paths]
}

/**
 * What keeps mounts from being unmounted, as far as a snapshot shows it. Each mount is looked at once:
 * other users can make very many.
 */
export class Obstacles {
  readonly #byId = new Map<number, Mount>()
  /** The mounts on each mount, by path. */
  readonly #on = new Map<number, Map<string, Mount>>()
  /** The mount that hides a mount; `null`: none. */
  readonly #hiding = new Map<number, Mount | null>()

  constructor(private readonly snapshot: Snapshot) {
    for (const mount of snapshot.mounts) {
      this.#byId.set(mount.id, mount)
      // The first mount of the kernel is on itself.
      if (mount.parent === mount.id) continue
      const known = this.#on.get(mount.parent)
      if (known === undefined) this.#on.set(mount.parent, new Map([[mount.path, mount]]))
      else known.set(mount.path, mount)
    }
  }

  /** What must be done first, as phrases. */
  of(mounts: readonly Mount[]): string[] {
    const { superblock } = mounts[0]!
    const on = mounts.flatMap(({ id }) => [...(this.#on.get(id)?.values() ?? [])])
    const over = mounts.flatMap((mount) => this.#hidingOf(mount) ?? [])
    const inTheWay = [...on, ...over].filter((mount) => mount.superblock !== superblock)
    const { swaps, blocks } = this.snapshot
    return [
      ...swaps.filter(({ fileOn }) => fileOn === superblock).map(({ path }) => `swapoff ${path}`),
      ...blocks
        .filter(({ fileOn }) => fileOn === superblock)
        .map(({ path, madeOf }) => `detach ${path}, whose file ${madeOf} lies on it`),
      ...new Set(inTheWay.map(({ path }) => `unmount ${path}`)),
    ]
  }

  /** The mount on a folder above the path of this one, or of one below it: its path leads elsewhere. */
  #hidingOf(mount: Mount): Mount | null {
    const chain: Mount[] = []
    let at: Mount | undefined = mount
    while (at !== undefined && !this.#hiding.has(at.id)) {
      // Also marks it as looked at, in case a damaged table has a mount below itself.
      this.#hiding.set(at.id, null)
      chain.push(at)
      at = this.#byId.get(at.parent)
    }
    let hiding = at === undefined ? null : (this.#hiding.get(at.id) ?? null)
    for (const one of chain.reverse()) {
      hiding ??= this.#over(one)
      this.#hiding.set(one.id, hiding)
    }
    return hiding
  }

  /** The mount on the same parent that is on a folder above the path. */
  #over({ parent, path }: Mount): Mount | null {
    const below = this.#byId.get(parent)
    const siblings = this.#on.get(parent)
    if (below === undefined || siblings === undefined || path === below.path) return null
    for (let folder = posix.dirname(path); ; folder = posix.dirname(folder)) {
      const found = siblings.get(folder)
      if (found !== undefined) return found
      if (folder === below.path || folder === '/' || folder === '.') return null
    }
  }
}

function placesOf(mounts: readonly Mount[]): string {
  const places = mounts.map(({ path, own, pid }) =>
    own ? path : `${path} in the mount namespace of process ${pid}`,
  )
  const shown = places.slice(0, 3).join(', ')
  return places.length > 3 ? `${shown} and ${places.length - 3} more` : shown
}
