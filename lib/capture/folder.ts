/** The folder into which a capture is written. */
import { chmod, mkdir, readdir, rm, rmdir, stat, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { KmodError } from '../contract/errors'
import { printable } from '../contract/printable'
import type { Entry } from './recorder'

/** How many files are written at the same time. */
const AT_ONCE = 32

export class CaptureFolder {
  private constructor(
    private readonly path: string,
    private readonly isNew: boolean,
  ) {}

  /** Makes the folder, or takes an empty one. Rejects with ERR_KMOD_SYSTEM. */
  static async open(path: string): Promise<CaptureFolder> {
    let isNew = true
    try {
      await mkdir(path, { mode: 0o700 })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw systemError(path, error)
      await takeEmpty(path)
      isNew = false
    }
    // The umask may have taken bits of the mode away; an empty folder has any mode.
    await chmod(path, 0o700).catch((error: unknown) => {
      throw systemError(path, error)
    })
    return new CaptureFolder(path, isNew)
  }

  /** `left`: what could not be written because it changed while it was read. */
  async write(
    entries: ReadonlyMap<string, Entry>,
    alive: () => void,
  ): Promise<{ files: number; bytes: number; left: string[] }> {
    const left: string[] = []
    const folders = new Set<string>()
    const wanted = [...entries].filter(([path, entry]) => {
      const above = parents(path)
      // A file has become a folder since it was read, such as that of a new process with an old number.
      if (above.some((one) => (entries.get(one)?.kind ?? 'name') !== 'name')) {
        left.push(`${printable(path)}: it changed while it was read`)
        return false
      }
      for (const one of above) folders.add(one)
      if (entry.kind === 'name') folders.add(path)
      return true
    })
    // In sorted order, a folder comes before what is in it.
    for (const folder of [...folders].sort()) await this.#make(folder)
    const rest = wanted.filter(([, { kind }]) => kind !== 'name')
    let bytes = 0
    for (let at = 0; at < rest.length; at += AT_ONCE) {
      alive()
      const written = rest.slice(at, at + AT_ONCE).map((one) => this.#writeOne(...one))
      for (const size of await Promise.all(written)) bytes += size
    }
    return { files: rest.length, bytes, left }
  }

  /** Deletes what was written, and the folder if it was not there before. Never rejects. */
  async empty(): Promise<void> {
    const names = await readdir(this.path).catch(() => [])
    for (const name of names) {
      await rm(join(this.path, name), { recursive: true, force: true }).catch(() => undefined)
    }
    if (this.isNew) await rmdir(this.path).catch(() => undefined)
  }

  async #make(folder: string): Promise<void> {
    const place = join(this.path, folder)
    try {
      await mkdir(place, { mode: 0o700 })
    } catch (error) {
      throw systemError(place, error)
    }
  }

  /** Returns the number of bytes. */
  async #writeOne(path: string, entry: Entry): Promise<number> {
    const place = join(this.path, path)
    try {
      if (entry.kind === 'link') await symlink(entry.target, place)
      if (entry.kind === 'file') {
        await writeFile(place, entry.content, { mode: 0o600, flag: 'wx' })
        return Buffer.byteLength(entry.content)
      }
      return 0
    } catch (error) {
      throw systemError(place, error)
    }
  }
}

/** The folders that contain the path, without the root. */
function parents(path: string): string[] {
  const found: string[] = []
  for (let at = dirname(path); at !== '/'; at = dirname(at)) found.push(at)
  return found
}

async function takeEmpty(path: string): Promise<void> {
  let owner: number
  let names: string[]
  try {
    owner = (await stat(path)).uid
    names = await readdir(path)
  } catch (error) {
    throw systemError(path, error)
  }
  if (names.length > 0) {
    throw new KmodError(
      'ERR_KMOD_SYSTEM',
      `Cannot capture into ${printable(path)}: the folder is not empty (${names.length} entries, such as ` +
        `${printable(names[0]!)}). Give a folder that does not exist or is empty.`,
      { errno: -17, errnoCode: 'EEXIST', syscall: 'mkdir' },
    )
  }
  // The owner of the folder could read the files, and replace them while they are written.
  if (owner !== process.geteuid?.()) {
    throw new KmodError(
      'ERR_KMOD_SYSTEM',
      `Cannot capture into ${printable(path)}: the folder belongs to another user (uid ${owner}). Give a ` +
        'folder that does not exist.',
      { errno: -1, errnoCode: 'EPERM', syscall: 'chmod' },
    )
  }
}

function systemError(path: string, cause: unknown): KmodError {
  const { errno, code, syscall, message } = cause as NodeJS.ErrnoException
  return new KmodError(
    'ERR_KMOD_SYSTEM',
    `Cannot capture into ${printable(path)}: ${code === undefined ? message : `${syscall} failed (${code})`}.`,
    { errno, errnoCode: code, syscall, cause },
  )
}
