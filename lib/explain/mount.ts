import { superblocks } from '../snapshot/superblocks'
import type { Mount } from '../kernel/snapshot'
import type { User } from '../contract/types'
import type { Explainer } from './explainer'

/**
 * The mounted file systems of the module's type. Each superblock takes one reference, however often it
 * is mounted. Source: alloc_super() in fs/super.c, get_filesystem() in fs/filesystems.c.
 */
export const mountUsers: Explainer = ({ name }, { mounts }) =>
  superblocks(mounts.filter(({ modules }) => modules.includes(name))).map(({ mount, others }) => {
    const { path, source, type, pid } = mount
    const release = releaseOf(mount, others)
    return { kind: 'mount', module: name, path, source, type, pid, references: 1, release }
  })

function releaseOf(mount: Mount, others: readonly Mount[]): User['release'] {
  const { path, source, type, pid, own, isRoot } = mount
  const umount = ['umount', path]
  const where = own ? '' : ` where process ${pid} is`
  const more = others.length === 0 ? '' : `, and where else it is mounted (${placesOf(others)})`
  return {
    text: isRoot
      ? `the root file system (${type} on ${source}) stays as long as the system runs`
      : `unmount ${path}${where} (${type} on ${source})${more}`,
    command: own ? umount : ['nsenter', '-t', String(pid), '-m', ...umount],
  }
}

function placesOf(mounts: readonly Mount[]): string {
  const places = mounts.map(({ path, own, pid }) => (own ? path : `${path} of process ${pid}`))
  const shown = places.slice(0, 3).join(', ')
  return places.length > 3 ? `${shown} and ${places.length - 3} more` : shown
}
