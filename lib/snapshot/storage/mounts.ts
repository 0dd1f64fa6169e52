/** The mounts of all mount namespaces, and the mounts of each file system as a group. */
import type { Mount } from '../../kernel/snapshot'
import { fileSystemModules } from '../system/file-systems'
import type { Sources } from '../system/sources'

/** In the order of the mount tables. */
export function readMounts({ mountTables, stack, aliases }: Sources): Promise<Mount[]> {
  // One file system can be mounted in many namespaces: the modules below it are looked up once.
  const belowOf = new Map<string, Promise<string[]>>()
  return Promise.all(
    mountTables.tables.flatMap(({ pid, own, first, lines }) =>
      lines.map(async (line): Promise<Mount> => {
        const { path, source, type, superblock, root, flags, options } = line
        const lookup = belowOf.get(superblock) ?? stack.below(line)
        belowOf.set(superblock, lookup)
        const [modules, below] = await Promise.all([fileSystemModules(line, aliases), lookup])
        return {
          path,
          source,
          type,
          pid,
          own,
          isRoot: path === '/' && (own || first),
          superblock,
          root,
          options: [...new Set([...flags.split(','), ...options.split(',')])].join(),
          modules,
          below,
        }
      }),
    ),
  )
}

/**
 * One entry for each file system, which may be mounted in many places and namespaces. For `mount`,
 * mounts in the namespace of this process are preferred, and then root mounts. `others` are its other
 * mounts.
 */
export function fileSystems(mounts: readonly Mount[]): { mount: Mount; others: Mount[] }[] {
  const groups = new Map<string, Mount[]>()
  for (const mount of mounts) {
    const group = groups.get(mount.superblock)
    if (group === undefined) groups.set(mount.superblock, [mount])
    else group.push(mount)
  }
  return [...groups.values()].map((group) => {
    const mount =
      group.find(({ own, isRoot }) => own && isRoot) ??
      group.find(({ own }) => own) ??
      group.find(({ isRoot }) => isRoot) ??
      group[0]!
    return { mount, others: group.filter((one) => one !== mount) }
  })
}
