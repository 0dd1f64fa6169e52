/** The mounts of all mount namespaces, from the text of /proc/PID/mountinfo. */
import type { RawMountTable } from './raw-survey'

export interface MountLine {
  /** The same number is in use only once on the whole system. */
  id: number
  /** The id of the mount that it is mounted on. */
  parent: number
  /** The folder of the file system that is mounted: `/`, or another one for a bind mount. */
  root: string
  /** Its group of mounts that share their events, and the group whose events it receives. */
  shared: string | null
  master: string | null
  /**
   * The device number of the file system, such as `8:1`. With major 0 it does not belong to a device.
   */
  superblock: string
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
  /** The last mount on each path in the namespace of this process, or else in that of process 1. */
  readonly #byPath: ReadonlyMap<string, MountLine>

  constructor(raw: readonly RawMountTable[]) {
    this.tables = raw.map(({ text, ...table }) => ({ ...table, lines: parseMountinfo(text) }))
    const table =
      this.tables.find(({ own }) => own) ?? this.tables.find(({ first }) => first) ?? this.tables[0]
    // Of several mounts on one folder, the last one covers the others.
    this.#byPath = new Map(table?.lines.map((line) => [line.path, line]))
  }

  /**
   * The mount that a path is on. The path comes from the kernel (the backing file of a loop device, a
   * swap file), or from the options of a mount that another user has made. Looks at the folders above the
   * path, not at every mount, of which there can be many.
   */
  covering(path: string): MountLine | undefined {
    if (!path.startsWith('/')) return undefined
    for (let at = path; at !== '/' && at !== ''; at = at.slice(0, at.lastIndexOf('/'))) {
      const mount = this.#byPath.get(at)
      if (mount !== undefined) return mount
    }
    return this.#byPath.get('/')
  }
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
  const [id, parent, superblock, root, path, flags] = fields
  const [type, source, ...options] = dash < 0 ? [] : fields.slice(dash + 1)
  if (root === undefined || superblock === undefined) return []
  if (path === undefined || flags === undefined) return []
  if (type === undefined || source === undefined) return []
  return [
    {
      id: Number(id),
      parent: Number(parent),
      root: unescapeOctal(root),
      shared: optional(fields, dash, 'shared'),
      master: optional(fields, dash, 'master'),
      superblock,
      path: unescapeOctal(path),
      flags,
      type: unescapeOctal(type),
      source: unescapeOctal(source),
      options: options.join(' '),
    },
  ]
}

/** The value of one of the optional fields, which are between the options and the dash. */
function optional(fields: readonly string[], dash: number, key: string): string | null {
  const field = fields.slice(6, dash).find((one) => one.startsWith(`${key}:`))
  return field?.slice(key.length + 1) ?? null
}

/** The kernel writes blanks, tabs, newlines, backslashes and some other characters as `\040`. */
export function unescapeOctal(text: string): string {
  if (!text.includes('\\')) return text
  return text.replace(/\\([0-3][0-7]{2})/g, (_, octal: string) =>
    String.fromCharCode(parseInt(octal, 8)),
  )
}
