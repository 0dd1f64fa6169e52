/** A folder as the root of a file system: no path and no symbolic link leads out of it. */
import { readlinkSync } from 'node:fs'
import { readdir, readFile, readlink } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import { KmodError } from '../contract/errors'

/** As many as the kernel follows before it says ELOOP. */
const MOST_LINKS = 40

export class RootView {
  readonly root: string

  constructor(root: string) {
    this.root = resolve(root)
  }

  /**
   * A path of the host that leads into the root is taken as it is; any other one is a path inside
   * the root. Returns it as seen from inside.
   */
  inside(path: string): string {
    const host = resolve(path)
    const below = relative(this.root, host)
    if (below === '') return '/'
    return below === '..' || below.startsWith('../') ? host : join('/', below)
  }

  /** Where on the host a path inside the root is, links not followed. For showing it to people. */
  show(path: string): string {
    return join(this.root, path)
  }

  /**
   * Where on the host a path inside the root really is: every symbolic link on the way is followed
   * as if the root were `/`. What is not there is placed where it would be.
   */
  async resolve(path: string): Promise<string> {
    const walk = this.walk(path)
    let step = walk.next()
    while (!step.done) step = walk.next(await readlink(step.value).catch(() => null))
    return step.value
  }

  /** The same at once, for a constructor. */
  resolveSync(path: string): string {
    const walk = this.walk(path)
    let step = walk.next()
    while (!step.done) step = walk.next(linkTarget(step.value))
    return step.value
  }

  /**
   * The way to a path's place: asks for the target of each path on the host that it yields (`null`: no
   * link, or nothing there). Throws where the links never end.
   */
  *walk(path: string): Generator<string, string, string | null> {
    let links = 0
    const pending = path.split(sep).reverse()
    // The folders on the way, each as a path on the host.
    const top = this.root === sep ? '' : this.root
    const way = [top]
    while (pending.length > 0) {
      const name = pending.pop()!
      if (name === '' || name === '.') continue
      if (name === '..') {
        if (way.length > 1) way.pop()
        continue
      }
      const place = `${way.at(-1)!}${sep}${name}`
      const target = yield place
      if (target === null) {
        way.push(place)
        continue
      }
      if (++links > MOST_LINKS) {
        throw new KmodError(
          'ERR_KMOD_SYSTEM',
          `${this.show(path)} goes through too many symbolic links (ELOOP).`,
          { errnoCode: 'ELOOP' },
        )
      }
      if (target.startsWith(sep)) way.length = 1
      pending.push(...target.split(sep).reverse())
    }
    return way.length === 1 ? this.root : way.at(-1)!
  }

  /** The text of a file; `null` where there is none or it cannot be read. */
  async read(path: string): Promise<string | null> {
    return (await this.readBytes(path))?.toString() ?? null
  }

  async readBytes(path: string): Promise<Buffer | null> {
    try {
      return await readFile(await this.resolve(path))
    } catch {
      return null
    }
  }

  /** The target of a symbolic link, as it is written; `null`: no link, or nothing there. */
  async readLink(path: string): Promise<string | null> {
    try {
      return await readlink(join(await this.resolve(dirname(path)), basename(path)))
    } catch {
      return null
    }
  }

  /** The names in a folder, sorted; none where it is not there or cannot be read. */
  async list(path: string): Promise<string[]> {
    try {
      return (await readdir(await this.resolve(path))).sort()
    } catch {
      return []
    }
  }
}

function linkTarget(path: string): string | null {
  try {
    return readlinkSync(path)
  } catch {
    return null
  }
}
