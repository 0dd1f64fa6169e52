/** The mounts of all mount namespaces, and the mounts of each file system as a group. */
import { posix } from 'node:path'
import type { Mount } from '../../kernel/snapshot'
import { fileSystemModules } from '../system/file-systems'
import type { MountLine } from '../system/mount-tables'
import type { Sources } from '../system/sources'
import { addTo } from '../../kernel/lists'

/** In the order of the mount tables. */
export function readMounts({ mountTables, stack, aliases }: Sources): Promise<Mount[]> {
  // One file system can be mounted in many namespaces: the modules below it are looked up once.
  const belowOf = new Map<string, Promise<string[]>>()
  return Promise.all(
    mountTables.tables.flatMap(({ pid, own, first, lines }) => {
      const byId = new Map(lines.map((line) => [line.id, line]))
      return lines.map(async (line): Promise<Mount> => {
        const { id, parent, path, source, type, superblock, root, flags, options } = line
        const lookup = belowOf.get(superblock) ?? stack.below(line)
        belowOf.set(superblock, lookup)
        const [modules, below] = await Promise.all([fileSystemModules(line, aliases), lookup])
        return {
          id,
          parent,
          ...propagationOf(line, byId.get(parent)),
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
      })
    }),
  )
}

/**
 * An unmount is repeated below every mount that receives the events of the parent, at the same place.
 * Source: propagate_umount() in fs/pnode.c.
 */
function propagationOf(
  { path }: MountLine,
  parent: MountLine | undefined,
): Pick<Mount, 'sends' | 'receives'> {
  if (parent === undefined) return { sends: null, receives: [] }
  const inFileSystem = posix.join(parent.root, posix.relative(parent.path, path))
  const placeIn = (group: string): string => `${group}:${inFileSystem}`
  const { shared, master } = parent
  return {
    sends: shared === null ? null : placeIn(shared),
    receives: [shared, master].filter((group) => group !== null).map(placeIn),
  }
}

/**
 * One entry for each file system, which may be mounted in many places and namespaces. For `mount`,
 * mounts in the namespace of this process are preferred, and then root mounts. `others` are its other
 * mounts.
 */
export function fileSystems(mounts: readonly Mount[]): { mount: Mount; others: Mount[] }[] {
  const groups = new Map<string, Mount[]>()
  for (const mount of mounts) addTo(groups, mount.superblock, mount)
  return [...groups.values()].map((group) => {
    const mount =
      group.find(({ own, isRoot }) => own && isRoot) ??
      group.find(({ own }) => own) ??
      group.find(({ isRoot }) => isRoot) ??
      group[0]!
    return { mount, others: group.filter((one) => one !== mount) }
  })
}
