/** Finds the paths of a captured system on this machine, without following a link out of its root. */
import { readlinkSync } from 'node:fs'
import { join, relative, resolve, sep } from 'node:path'
import { KmodError } from '../contract/errors'

/** MAXSYMLINKS in include/linux/namei.h: with more the kernel fails with ELOOP. */
const MAX_LINKS = 40

export class RootView {
  readonly root: string

  constructor(root: string) {
    this.root = resolve(root)
  }

  /**
   * The path as the captured system has it. A path of this machine that is below the root is
   * translated; any other path is one of the captured system already.
   */
  inside(path: string): string {
    const host = resolve(path)
    const below = relative(this.root, host)
    if (below === '') return '/'
    return below === '..' || below.startsWith('../') ? host : join('/', below)
  }

  /** The path of this machine, without following links. For messages and results. */
  show(path: string): string {
    return join(this.root, path)
  }

  /**
   * The path of this machine, with every symbolic link on the way followed as if the root were `/`. A
   * path that does not exist gets the path that it would have. Throws if there are more than
   * MAX_LINKS links. Synchronous, for a constructor; other code uses resolve() of captured-files.ts.
   */
  resolveSync(path: string): string {
    const walk = this.walk(path)
    let step = walk.next()
    while (!step.done) step = walk.next(linkTarget(step.value))
    return step.value
  }

  /**
   * The steps of resolveSync(), for a caller that reads the links itself. Yields each path of this machine
   * on the way, and expects the target of the link there (`null`: not a link, or it does not exist).
   * Returns the resolved path. Throws if there are more than MAX_LINKS links.
   */
  *walk(path: string): Generator<string, string, string | null> {
    let links = 0
    const pending = path.split(sep).reverse()
    // The folders that lead to the current one, each as a path of this machine.
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
      if (++links > MAX_LINKS) {
        throw tooManyLinks(this.show(path))
      }
      if (target.startsWith(sep)) way.length = 1
      pending.push(...target.split(sep).reverse())
    }
    return way.length === 1 ? this.root : way.at(-1)!
  }
}

export function tooManyLinks(path: string): KmodError {
  return new KmodError(
    'ERR_KMOD_SYSTEM',
    `Cannot resolve ${path}: there are more than ${MAX_LINKS} symbolic links on the path (ELOOP). The ` +
      'links may form a loop.',
    { errnoCode: 'ELOOP' },
  )
}

function linkTarget(path: string): string | null {
  try {
    return readlinkSync(path)
  } catch {
    return null
  }
}
