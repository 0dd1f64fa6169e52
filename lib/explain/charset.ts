/** Character sets that mounted file systems use. */
import { fileSystems } from '../snapshot/storage/mounts'
import { using, type FindUsers } from './kind'
import { Obstacles, releaseOf } from './mount'

/** Each file system takes one reference for each of its character sets. Source: fs/nls/nls_base.c. */
export const charsetUsers: FindUsers = (row, snapshot) => {
  const { charsets, mounts } = snapshot
  const used = using(charsets, row)
  if (used.length === 0) return []
  const obstacles = new Obstacles(snapshot)
  const bySuperblock = new Map(fileSystems(mounts).map((one) => [one.mount.superblock, one]))
  return used.flatMap(({ name, superblock }) => {
    const found = bySuperblock.get(superblock)
    if (found === undefined) return []
    const { mount, others } = found
    return {
      kind: 'charset',
      module: row.name,
      name,
      value: mount.path,
      references: 1,
      release: releaseOf(mount, others, obstacles),
    }
  })
}
