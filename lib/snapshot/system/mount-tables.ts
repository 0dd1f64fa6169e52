/** The mounts of every namespace, and which of them a path lies on. */
import { parseMountinfo, type MountLine } from './mountinfo'
import type { RawSurvey } from './raw'

export interface MountTable {
  pid: number
  own: boolean
  first: boolean
  lines: MountLine[]
}

export class MountTables {
  readonly tables: MountTable[]

  constructor(raw: RawSurvey['mountTables']) {
    this.tables = raw.map(({ text, ...table }) => ({ ...table, lines: parseMountinfo(text) }))
  }

  /**
   * The mount that a path of the system lies on. The namespace of this process is asked, or else the
   * first process's: what the kernel tells about files (of a loop device, of swap) is a path there.
   */
  covering(path: string): MountLine | undefined {
    const table =
      this.tables.find(({ own }) => own) ?? this.tables.find(({ first }) => first) ?? this.tables[0]
    // Of two mounts on one folder the later one covers the other.
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
