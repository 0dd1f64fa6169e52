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
    const targets = new Map<string, string | null>()
    for (;;) {
      const found = this.follow(path, targets)
      if (typeof found === 'string') return found
      for (const place of found) targets.set(place, linkTarget(place))
    }
  }

  /**
   * Follows a path as resolveSync() does, for a caller that reads the links itself. `targets`: the target
   * of the link at a path of this machine; `null`: not a link, or it does not exist. Returns the resolved
   * path, or the places that `targets` must have before it can go on: the next place, and those after it if
   * none of them is a link. So a path without links needs one reading. Throws if there are more than
   * MAX_LINKS links.
   */
  follow(path: string, targets: ReadonlyMap<string, string | null>): string | string[] {
    let links = 0
    const pending = path.split(sep).reverse()
    // The folders that lead to the current one, each as a path of this machine.
    const top = this.root === sep ? '' : this.root
    const way = [top]
    const unknown: string[] = []
    while (pending.length > 0) {
      const name = pending.pop()!
      if (name === '' || name === '.') continue
      if (name === '..') {
        if (way.length > 1) way.pop()
        continue
      }
      const place = `${way.at(-1)!}${sep}${name}`
      const target = targets.get(place)
      if (target === undefined) unknown.push(place)
      if (target == null || unknown.length > 0) {
        way.push(place)
        continue
      }
      if (++links > MAX_LINKS) {
        throw tooManyLinks(this.show(path))
      }
      if (target.startsWith(sep)) way.length = 1
      pending.push(...target.split(sep).reverse())
    }
    if (unknown.length > 0) return unknown
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
