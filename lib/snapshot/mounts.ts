import type { Mount } from '../kernel/snapshot'
import type { Aliases } from './system/aliases'
import { fileSystemModules } from './system/file-systems'
import type { MountTables } from './system/mount-tables'
import type { Stack } from './system/stack'

/** The mounts of all namespaces, in the order of their tables. */
export function readMounts(
  { tables }: MountTables,
  stack: Stack,
  aliases: Aliases,
): Promise<Mount[]> {
  // The same file system is mounted in many namespaces.
  const under = new Map<string, Promise<string[]>>()
  return Promise.all(
    tables.flatMap(({ pid, own, first, lines }) =>
      lines.map(async (line): Promise<Mount> => {
        const { path, source, type, superblock } = line
        const stacked = under.get(superblock) ?? stack.under(line)
        under.set(superblock, stacked)
        const [modules, below] = await Promise.all([fileSystemModules(line, aliases), stacked])
        return {
          path,
          source,
          type,
          pid,
          own,
          isRoot: path === '/' && (own || first),
          superblock,
          modules,
          below,
        }
      }),
    ),
  )
}
