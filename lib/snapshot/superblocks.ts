import type { Mount } from '../kernel/snapshot'

/**
 * A file system is mounted in many places and namespaces: one mount of each, that of this process's
 * namespace where there is one, with the others.
 */
export function superblocks(mounts: readonly Mount[]): { mount: Mount; others: Mount[] }[] {
  const groups = new Map<string, Mount[]>()
  for (const mount of mounts) {
    const group = groups.get(mount.superblock)
    if (group === undefined) groups.set(mount.superblock, [mount])
    else group.push(mount)
  }
  return [...groups.values()].map((group) => {
    const mount = group.find(({ own, isRoot }) => own && isRoot) ?? group.find(({ own }) => own)
    const chosen = mount ?? group.find(({ isRoot }) => isRoot) ?? group[0]!
    return { mount: chosen, others: group.filter((one) => one !== chosen) }
  })
}
