/** The index, configuration and module files of a captured system, through libkmod. */
import { rmSync } from 'node:fs'
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { KmodError } from '../contract/errors'
import type { Host } from '../kernel/host'
import { readCommandLine } from '../kernel/command-line'
import { CONFIG_DIRECTORIES, LOAD_LISTS, type IndexSource } from '../kernel/index-source'
import type { Description, ModuleIndex } from '../kernel/module-index'
import type { SystemFiles } from '../kernel/system-files'
import { capturedFiles } from './captured-files'
import { tooManyLinks, type RootView } from './root-view'

/** Where the files of the index are in a captured system. All paths are inside the root. */
export interface CapturedPlaces {
  /** `''`: there is no lib/modules. */
  release: string
  moduleDirectory: string
  /** `null`: the folders in which libkmod looks. */
  configPaths: readonly string[] | null
}

export class CapturedIndex implements ModuleIndex {
  readonly #libkmod: ModuleIndex

  constructor(
    private readonly view: RootView,
    private readonly places: CapturedPlaces,
    private readonly host: Host,
    private readonly mirror: Mirror,
  ) {
    this.#libkmod = host.openIndex(() => this.#locate())
  }

  async find(names: readonly string[]): ReturnType<ModuleIndex['find']> {
    const { complete, found } = await this.#libkmod.find(names)
    return {
      complete,
      found: found.map(({ path, builtin }) => ({
        path: path === null ? null : this.view.show(this.#inside(path)),
        builtin,
      })),
    }
  }

  lookup(aliases: readonly string[]): Promise<string[][]> {
    return this.#libkmod.lookup(aliases)
  }

  policies(names: readonly string[]): ReturnType<ModuleIndex['policies']> {
    return this.#libkmod.policies(names)
  }

  needs(names: readonly string[]): Promise<string[][]> {
    return this.#libkmod.needs(names)
  }

  async describe(name: string): Promise<Description | null> {
    const [presence] = (await this.#libkmod.find([name])).found
    if (presence?.path == null) return this.#libkmod.describe(name)
    const description = await this.#describeAt(this.#inside(presence.path))
    return { ...description, name }
  }

  describeFile(path: string): Promise<Description> {
    return this.#describeAt(this.view.inside(path))
  }

  async #describeAt(inside: string): Promise<Description> {
    const [path] = await capturedFiles(this.view, this.host.files).resolve([inside])
    if (path == null) throw tooManyLinks(this.view.show(inside))
    const description = await this.#libkmod.describeFile(path)
    return { ...description, path: this.view.show(inside) }
  }

  /** Translates a path in the mirror to the path in the captured system. */
  #inside(path: string): string {
    const folder = this.mirror.moduleDirectory
    return path.startsWith(folder) ? this.places.moduleDirectory + path.slice(folder.length) : path
  }

  async #locate(): Promise<IndexSource> {
    const files = capturedFiles(this.view, this.host.files)
    const [folder, commandLine] = await Promise.all([
      this.mirror.update(() => this.#findLinks()),
      readCommandLine(files),
    ])
    return {
      directory: join(folder, 'modules'),
      config: [join(folder, 'modprobe.d')],
      loadLists: [join(folder, 'modules-load.d'), join(folder, 'modules.list')],
      kernelCommandLine: false,
      commandLine,
    }
  }

  /** The links that the mirror needs, each as "PATH-IN-MIRROR\0TARGET". */
  async #findLinks(): Promise<string[]> {
    const files = capturedFiles(this.view, this.host.files)
    const links = await indexFiles(files, this.places)
    const targets = await files.resolve([...links.values()])
    const statuses = await this.host.files.readStatuses(targets.map((target) => target ?? ''))
    return [...links.keys()].flatMap((link, i) => {
      const kind = statuses[i]?.kind
      // libkmod would wait for ever when it opens a FIFO. Only modules/ has folders.
      const isUsable = kind === 'file' || (kind === 'folder' && link.startsWith('modules/'))
      return isUsable ? [`${link}\0${targets[i]!}`] : []
    })
  }
}

/**
 * libkmod would follow symbolic links out of the root. Therefore it reads a mirror: a temporary folder
 * of links, each to the path that a file has when all its links are followed inside the root.
 */
export class Mirror {
  /** The links of the mirror, joined: a new mirror is made only when they change. */
  #links = ''
  #folder: string | null = null
  #updating: Promise<unknown> = Promise.resolve()

  /** `''`: there is no mirror yet. */
  get moduleDirectory(): string {
    return this.#folder === null ? '' : join(this.#folder, 'modules')
  }

  /** Returns the folder, with these links. One call at a time: two at once would make two mirrors. */
  update(findLinks: () => Promise<string[]>): Promise<string> {
    const updated = this.#updating.then(() => this.#update(findLinks))
    this.#updating = updated.catch(() => undefined)
    return updated
  }

  /** Deletes the folder. */
  async delete(): Promise<void> {
    await this.#updating
    const old = this.#folder
    this.#folder = null
    if (old !== null) await deleteMirror(old)
  }

  async #update(findLinks: () => Promise<string[]>): Promise<string> {
    const links = await findLinks()
    if (this.#folder !== null && links.join('\n') === this.#links) return this.#folder
    const old = this.#folder
    this.#folder = await makeMirror(links)
    this.#links = links.join('\n')
    if (old !== null) await deleteMirror(old)
    return this.#folder
  }
}

/**
 * The files that libkmod reads of a captured system, each by its path in the mirror: the indexes of depmod
 * and the folders of modules, modprobe.d, and the lists of modules to load at boot.
 */
export async function indexFiles(
  files: SystemFiles,
  { moduleDirectory, configPaths }: CapturedPlaces,
): Promise<Map<string, string>> {
  const links = new Map<string, string>()
  const config = configPaths ?? CONFIG_DIRECTORIES
  const folders = [moduleDirectory, ...config, ...LOAD_LISTS]
  const [[inside = [], ...lists], texts] = await Promise.all([
    files.listNames(folders),
    files.readTexts(folders.slice(1)),
  ])
  for (const name of inside) {
    // These are links to the source tree of the kernel, from which no module is loaded.
    if (name === 'build' || name === 'source') continue
    links.set(`modules/${name}`, `${moduleDirectory}/${name}`)
  }
  folders.slice(1).forEach((place, i) => {
    const mirror = i < config.length ? 'modprobe.d' : 'modules-load.d'
    for (const file of configFiles(place, lists[i]!, texts[i] !== null)) {
      // /etc/modules is a separate list: no file in modules-load.d replaces it.
      const isList = mirror === 'modules-load.d' && file === place
      const link = isList ? 'modules.list' : `${mirror}/${basename(file, '.conf')}.conf`
      // Of several files of one name, the one in the first folder counts.
      if (!links.has(link)) links.set(link, file)
    }
  })
  return links
}

/** The configuration files in the folder `place`; `place` itself if it is a file. */
function configFiles(place: string, names: readonly string[], isFile: boolean): string[] {
  if (isFile) return [place]
  return names
    .filter((name) => name.endsWith('.conf') && !name.startsWith('.'))
    .map((name) => `${place}/${name}`)
}

const MIRROR_FOLDERS = ['modules', 'modprobe.d', 'modules-load.d']

/** The mirrors that exist. They are deleted when the process ends. */
const mirrors = new Set<string>()

function removeMirrors(): void {
  for (const mirror of mirrors) rmSync(mirror, { recursive: true, force: true })
}

async function deleteMirror(mirror: string): Promise<void> {
  await rm(mirror, { recursive: true, force: true })
  mirrors.delete(mirror)
  if (mirrors.size === 0) process.off('exit', removeMirrors)
}

async function makeMirror(links: readonly string[]): Promise<string> {
  const mirror = await mkdtemp(join(tmpdir(), 'node-kmod-')).catch((cause: unknown) => {
    throw new KmodError(
      'ERR_KMOD_SYSTEM',
      `Cannot make a temporary folder in ${tmpdir()}, which is needed to read a captured system. Set ` +
        'TMPDIR to a folder that is writable.',
      { cause },
    )
  })
  if (mirrors.size === 0) process.once('exit', removeMirrors)
  mirrors.add(mirror)
  await Promise.all(MIRROR_FOLDERS.map((folder) => mkdir(join(mirror, folder))))
  await Promise.all(
    links.map((link) => {
      const [place, target] = link.split('\0') as [string, string]
      return symlink(target, join(mirror, place))
    }),
  )
  return mirror
}
