/** Mounted file systems of a type that the module provides. */
import type { User } from '../contract/types'
import type { Mount } from '../kernel/snapshot'
import { fileSystems } from '../snapshot/storage/mounts'
import { using, type FindUsers } from './kind'

/**
 * A file system takes one reference in total, even if it is mounted several times. Source:
 * alloc_super() in fs/super.c, get_filesystem() in fs/filesystems.c.
 */
export const mountUsers: FindUsers = (row, { mounts }) =>
  fileSystems(using(mounts, row)).map(({ mount, others }) => {
    const { path, source, type, pid } = mount
    const release = releaseOf(mount, others)
    return { kind: 'mount', module: row.name, path, source, type, pid, references: 1, release }
  })

export function releaseOf(mount: Mount, others: readonly Mount[]): User['release'] {
  const { path, source, type, pid, own, isRoot } = mount
  const umount = ['umount', path]
  const where = own ? '' : ` in the mount namespace of process ${pid}`
  const also = others.length === 0 ? '' : `; it is also mounted on ${placesOf(others)}`
  return {
    kind: isRoot ? null : 'mount',
    text: isRoot
      ? `the root file system (${type} on ${source}) cannot be unmounted while the system runs`
      : `unmount ${path}${where} (${type} on ${source})${also}`,
    command: own ? umount : ['nsenter', '-t', String(pid), '-m', ...umount],
  }
}

function placesOf(mounts: readonly Mount[]): string {
  const places = mounts.map(({ path, own, pid }) =>
    own ? path : `${path} in the mount namespace of process ${pid}`,
  )
  const shown = places.slice(0, 3).join(', ')
  return places.length > 3 ? `${shown} and ${places.length - 3} more` : shown
}
