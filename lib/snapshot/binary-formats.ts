/** The binary formats that are registered with binfmt_misc. */
import type { BinaryFormat } from '../kernel/snapshot'
import type { Sources } from './system/sources'

const FOLDER = '/proc/sys/fs/binfmt_misc'

/**
 * Reads the folder only if binfmt_misc is mounted there. systemd can have an automount on the folder:
 * then listing it would mount binfmt_misc and load its module. Source: fs/binfmt_misc.c.
 */
export async function readBinaryFormats({
  sysfs,
  aliases,
  mountTables,
}: Sources): Promise<BinaryFormat[]> {
  const mount = mountTables.covering(`${FOLDER}/status`)
  if (mount?.type !== 'binfmt_misc') return []
  const [modules, entries] = await Promise.all([
    aliases.ofFileSystem(mount.type),
    sysfs.list(FOLDER),
  ])
  const names = entries.filter((name) => name !== 'register' && name !== 'status')
  const texts = await Promise.all(names.map((name) => sysfs.text(`${FOLDER}/${name}`)))
  return names.flatMap((name, i) => {
    const interpreter = /^interpreter (.+)$/m.exec(texts[i] ?? '')?.[1]
    return interpreter === undefined ? [] : [{ name, interpreter, modules }]
  })
}
