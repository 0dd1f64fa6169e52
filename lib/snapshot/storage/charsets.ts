/** The tables of characters that mounted file systems use to convert names of files. */
import type { Charset } from '../../kernel/snapshot'
import type { MountLine } from '../system/mount-tables'
import type { Sources } from '../system/sources'

/** One entry for each file system and character set. */
export async function readCharsets({ mountTables, aliases }: Sources): Promise<Charset[]> {
  const bySuperblock = new Map<string, MountLine>()
  for (const line of mountTables.tables.flatMap(({ lines }) => lines)) {
    bySuperblock.set(line.superblock, line)
  }
  return Promise.all(
    [...bySuperblock.values()].flatMap((line) =>
      charsetsOf(line).map(async (name) => ({
        name,
        superblock: line.superblock,
        modules: await aliases.ofCharset(name),
      })),
    ),
  )
}

/**
 * `codepage`: of the names on the disk (vfat, hfs). `iocharset`, `nls`: of the names that programs see.
 * Other users can mount only file systems without these. Source: load_nls() in fs/nls/nls_base.c, and
 * where the file systems call it.
 */
export function charsetsOf({ options }: Pick<MountLine, 'options'>): string[] {
  return options.split(',').flatMap((option) => {
    const [, key, value = ''] = /^(codepage|iocharset|nls)=([\w.-]+)$/.exec(option) ?? []
    if (key === undefined) return []
    return [key === 'codepage' && /^\d+$/.test(value) ? `cp${value}` : value]
  })
}
