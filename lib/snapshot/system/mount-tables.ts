/** The mounts of all mount namespaces, from the text of /proc/PID/mountinfo. */
import type { RawMountTable } from './raw-survey'

export interface MountLine {
  /**
   * The device number of the file system, such as `8:1`. With major 0 it does not belong to a device.
   */
  superblock: string
  /** The folder of the file system that is mounted. */
  root: string
  path: string
  /** The options of this mount, such as `rw,noexec`. */
  flags: string
  type: string
  source: string
  /** The options of the file system, not unescaped: a comma inside a value is `\054`. */
  options: string
}

export interface MountTable extends Omit<RawMountTable, 'text'> {
  lines: MountLine[]
}

export class MountTables {
  readonly tables: MountTable[]

  constructor(raw: readonly RawMountTable[]) {
    this.tables = raw.map(({ text, ...table }) => ({ ...table, lines: parseMountinfo(text) }))
  }

  /**
   * The mount that a path is on. The path comes from the kernel (the backing file of a loop device, a
   * swap file). It is looked up in the namespace of this process, or else in that of process 1.
   */
  covering(path: string): MountLine | undefined {
    const table =
      this.tables.find(({ own }) => own) ?? this.tables.find(({ first }) => first) ?? this.tables[0]
    // Of several mounts on one folder, the last one covers the others.
    return table?.lines.reduce<MountLine | undefined>(
      (best, line) =>
        isUnder(path, line.path) && line.path.length >= (best?.path.length ?? 0) ? line : best,
      undefined,
    )
  }
}

function isUnder(path: string, folder: string): boolean {
  return folder === '/' ? path.startsWith('/') : path === folder || path.startsWith(`${folder}/`)
}

/**
 *     ID PARENT MAJOR:MINOR ROOT PATH OPTIONS [OPTIONAL ...] - TYPE SOURCE SUPERBLOCK-OPTIONS
 *
 * Keeps the order of the lines, and leaves out incomplete lines. Source: show_mountinfo() in
 * fs/proc_namespace.c.
 */
export function parseMountinfo(text: string): MountLine[] {
  return text.split('\n').flatMap(parseLine)
}

function parseLine(line: string): MountLine[] {
  const fields = line.split(' ')
  // An optional field is NAME[:VALUE], so the first lone dash after the options is the separator.
  const dash = fields.indexOf('-', 6)
  const [superblock, root, path, flags] = [fields[2], fields[3], fields[4], fields[5]]
  const [type, source, ...options] = dash < 0 ? [] : fields.slice(dash + 1)
  if (superblock === undefined || root === undefined) return []
  if (path === undefined || flags === undefined) return []
  if (type === undefined || source === undefined) return []
  return [
    {
      superblock,
      root: unescapeOctal(root),
      path: unescapeOctal(path),
      flags,
      type: unescapeOctal(type),
      source: unescapeOctal(source),
      options: options.join(' '),
    },
  ]
}

/** The kernel writes blanks, tabs, newlines, backslashes and some other characters as `\040`. */
export function unescapeOctal(text: string): string {
  if (!text.includes('\\')) return text
  return text.replace(/\\([0-3][0-7]{2})/g, (_, octal: string) =>
    String.fromCharCode(parseInt(octal, 8)),
  )
}
