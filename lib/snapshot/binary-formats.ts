import type { NamedUse } from '../kernel/snapshot'
import type { Sources } from './system/sources'

const FOLDER = '/proc/sys/fs/binfmt_misc'

/**
 * The binary formats with an interpreter of their own. They take no reference: the mount that they are
 * in does. Only where that is there, because to look for it would have systemd mount it, and load the
 * module. Source: fs/binfmt_misc.c.
 */
export async function readBinaryFormats({ sysfs, aliases, tables }: Sources): Promise<NamedUse[]> {
  const mount = tables.covering(`${FOLDER}/status`)
  if (mount?.type !== 'binfmt_misc') return []
  const [modules, entries] = await Promise.all([
    aliases.ofFileSystem(mount.type),
    sysfs.list(FOLDER),
  ])
  const formats = entries.filter((name) => name !== 'register' && name !== 'status')
  const texts = await Promise.all(formats.map((name) => sysfs.text(`${FOLDER}/${name}`)))
  return formats.flatMap((name, i) => {
    const interpreter = /^interpreter (.+)$/m.exec(texts[i] ?? '')?.[1]
    if (interpreter === undefined) return []
    const release = {
      text: `remove the binary format ${name} (${interpreter}): write -1 to ${FOLDER}/${name}`,
      command: null,
    }
    return [{ kind: 'binfmt', name, value: interpreter, modules, references: 0, release }]
  })
}
