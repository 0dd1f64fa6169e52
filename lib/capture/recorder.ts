/** Remembers what is read of a system, so that it can be written elsewhere. */
import { relative } from 'node:path'
import { withoutOtherWords } from '../kernel/command-line'
import type { FileStatus, SystemFiles } from '../kernel/system-files'

export type Entry =
  | { kind: 'file'; content: string | Buffer }
  | { kind: 'link'; target: string }
  /** A folder, or a name in a folder that nothing read. */
  | { kind: 'name' }

/** What is left out of some files, because no answer needs it. */
const REDUCED: Readonly<Record<string, (text: string) => string>> = {
  '/proc/cmdline': withoutOtherWords,
  // Root sees at which addresses the modules are; attacks on the kernel need to know that.
  '/proc/modules': (text) => text.replace(/ 0x[0-9a-f]+/g, ' 0x0000000000000000'),
}

/**
 * Reads files for lib/captured, which resolves symbolic links itself: it asks for each link, and then for a
 * path without links. So the entries are a copy of the tree, with its links.
 */
export class Recorder implements SystemFiles {
  /** By the path inside the root, such as `/proc/modules`. */
  readonly entries = new Map<string, Entry>()

  /** `root`: the folder of this machine that is the root of the system. */
  constructor(
    private readonly files: SystemFiles,
    private readonly root: string,
  ) {}

  async readTexts(paths: readonly string[]): Promise<(string | null)[]> {
    const texts = await this.files.readTexts(paths)
    paths.forEach((path, i) => this.recordFile(path, texts[i] ?? null))
    return texts
  }

  async readBytes(paths: readonly string[]): Promise<(Buffer | null)[]> {
    const contents = await this.files.readBytes(paths)
    paths.forEach((path, i) => this.recordFile(path, contents[i] ?? null))
    return contents
  }

  async readLinks(paths: readonly string[]): Promise<(string | null)[]> {
    const targets = await this.files.readLinks(paths)
    paths.forEach((path, i) => {
      const target = targets[i] ?? null
      if (target !== null) this.entries.set(this.#inside(path), { kind: 'link', target })
    })
    return targets
  }

  async readStatuses(paths: readonly string[]): Promise<(FileStatus | null)[]> {
    const statuses = await this.files.readStatuses(paths)
    paths.forEach((path, i) => {
      if (statuses[i] != null) this.recordName(path)
    })
    return statuses
  }

  async listNames(folders: readonly string[]): Promise<string[][]> {
    const lists = await this.files.listNames(folders)
    folders.forEach((folder, i) => {
      for (const name of lists[i] ?? []) this.recordName(`${folder}/${name}`)
    })
    return lists
  }

  /** Records that a path exists. An entry that has more is kept. */
  recordName(path: string): void {
    const inside = this.#inside(path)
    if (!this.entries.has(inside)) this.entries.set(inside, { kind: 'name' })
  }

  /** A file, with what it contains; `null`: it could not be read. */
  recordFile(path: string, content: string | Buffer | null): void {
    if (content === null) return
    const inside = this.#inside(path)
    const reduce = Object.hasOwn(REDUCED, inside) ? REDUCED[inside]! : null
    const reduced = reduce === null ? content : reduce(content.toString())
    this.entries.set(inside, { kind: 'file', content: reduced })
  }

  #inside(path: string): string {
    return `/${relative(this.root, path)}`
  }
}
