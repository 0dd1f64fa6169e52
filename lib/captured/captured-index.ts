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
import type { RootView } from './root-view'

/** Where the files of the index are in a captured system. All paths are inside the root. */
export interface CapturedPlaces {
  /** `''`: there is no lib/modules. */
  release: string
  moduleDirectory: string
  /** `null`: the folders in which libkmod looks. */
  configPaths: readonly string[] | null
}

/**
 * libkmod would follow symbolic links out of the root. Therefore it reads a mirror: a temporary folder
 * of links, each to the path that a file has when all its links are followed inside the root.
 */
export class CapturedIndex implements ModuleIndex {
  readonly #libkmod: ModuleIndex
  /** The links of the mirror, joined: a new mirror is made only when they change. */
  #links = ''
  #mirror: string | null = null
  #locating: Promise<unknown> = Promise.resolve()

  constructor(
    private readonly view: RootView,
    private readonly places: CapturedPlaces,
    private readonly host: Host,
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
    const description = await this.#libkmod.describeFile(await this.view.resolve(inside))
    return { ...description, path: this.view.show(inside) }
  }

  /** Translates a path in the mirror to the path in the captured system. */
  #inside(path: string): string {
    const folder = this.#mirror === null ? '' : join(this.#mirror, 'modules')
    return path.startsWith(folder) ? this.places.moduleDirectory + path.slice(folder.length) : path
  }

  /** One call at a time: two at once would make two mirrors. */
  #locate(): Promise<IndexSource> {
    const located = this.#locating.then(() => this.#update())
    this.#locating = located.catch(() => undefined)
    return located
  }

  async #update(): Promise<IndexSource> {
    const links = await this.#findLinks()
    if (this.#mirror === null || links.join('\n') !== this.#links) {
      const old = this.#mirror
      this.#mirror = await makeMirror(links)
      this.#links = links.join('\n')
      if (old !== null) {
        await rm(old, { recursive: true, force: true })
        mirrors.delete(old)
      }
    }
    return {
      directory: join(this.#mirror, 'modules'),
      config: [join(this.#mirror, 'modprobe.d')],
      loadLists: [join(this.#mirror, 'modules-load.d'), join(this.#mirror, 'modules.list')],
      kernelCommandLine: false,
      commandLine: await readCommandLine(capturedFiles(this.view, this.host.files)),
    }
  }

  /** The links that the mirror needs, each as "PATH-IN-MIRROR\0TARGET". */
  async #findLinks(): Promise<string[]> {
    const files = capturedFiles(this.view, this.host.files)
    const links = await indexFiles(files, this.places)
    const targets = await files.resolve([...links.values()])
    return [...links.keys()].flatMap((link, i) =>
      targets[i] === null ? [] : [`${link}\0${targets[i]!}`],
    )
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
