/** The index, configuration and module files of another root, through libkmod. */
import { rmSync } from 'node:fs'
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { KmodError } from '../contract/errors'
import { LibkmodIndex, LOAD_LISTS, type IndexSource } from '../live/helper/queries'
import type { Description, ModuleIndex } from '../kernel/module-index'
import type { RootView } from './root-view'
import { capturedFiles } from './captured-files'

/** Where some libkmod looks by default, first wins; the newest list. */
const CONFIG_DIRECTORIES = [
  '/etc/modprobe.d',
  '/run/modprobe.d',
  '/usr/local/lib/modprobe.d',
  '/usr/lib/modprobe.d',
  '/lib/modprobe.d',
]

export interface CapturedPlaces {
  /** `''`: there is no lib/modules. */
  release: string
  /** Inside the root, as are `configPaths`. */
  moduleDirectory: string
  configPaths: readonly string[] | null
}

/**
 * libkmod follows symbolic links out of the root. So it is shown a mirror: a folder of links, each to
 * where a file really is when every link on the way is followed inside the root.
 */
export class CapturedIndex implements ModuleIndex {
  readonly #libkmod = new LibkmodIndex(() => this.#locate())
  #links = ''
  #mirror: string | null = null
  #locating: Promise<unknown> = Promise.resolve()

  constructor(
    private readonly view: RootView,
    private readonly places: CapturedPlaces,
  ) {}

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
    const inside = this.#inside(presence.path)
    const description = await this.#describeAt(inside)
    return { ...description, name }
  }

  describeFile(path: string): Promise<Description> {
    return this.#describeAt(this.view.inside(path))
  }

  async #describeAt(inside: string): Promise<Description> {
    const description = await this.#libkmod.describeFile(await this.view.resolve(inside))
    return { ...description, path: this.view.show(inside) }
  }

  /** A path in the mirror as seen from inside the root. */
  #inside(path: string): string {
    const folder = this.#mirror === null ? '' : join(this.#mirror, 'modules')
    return path.startsWith(folder) ? this.places.moduleDirectory + path.slice(folder.length) : path
  }

  #locate(): Promise<IndexSource> {
    // One after the other: two calls at once must not make two mirrors.
    const located = this.#locating.then(() => this.#update())
    this.#locating = located.catch(() => undefined)
    return located
  }

  async #update(): Promise<IndexSource> {
    const links = await this.#plan()
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
    }
  }

  /** "PLACE\0TARGET" for each link. */
  async #plan(): Promise<string[]> {
    const links = new Map<string, string>()
    const { moduleDirectory, configPaths } = this.places
    const files = capturedFiles(this.view)
    const config = configPaths ?? CONFIG_DIRECTORIES
    const folders = [moduleDirectory, ...config, ...LOAD_LISTS]
    const [[inside = [], ...lists], texts] = await Promise.all([
      files.list(folders),
      files.readFiles(folders.slice(1)),
    ])
    for (const name of inside) {
      // Links to the kernel's source tree, which no module is loaded from.
      if (name === 'build' || name === 'source') continue
      links.set(`modules/${name}`, `${moduleDirectory}/${name}`)
    }
    folders.slice(1).forEach((place, i) => {
      const mirror = i < config.length ? 'modprobe.d' : 'modules-load.d'
      for (const file of configFiles(place, lists[i]!, texts[i] !== null)) {
        // /etc/modules is masked by no other file.
        const isList = mirror === 'modules-load.d' && file === place
        const link = isList ? 'modules.list' : `${mirror}/${basename(file, '.conf')}.conf`
        // Of two files with one name the first counts, whatever their folders.
        if (!links.has(link)) links.set(link, file)
      }
    })
    const targets = await files.places([...links.values()])
    return [...links.keys()].flatMap((link, i) =>
      targets[i] === null ? [] : [`${link}\0${targets[i]!}`],
    )
  }
}

/** The files of a folder of configuration; `place` itself where it is a file. */
function configFiles(place: string, names: readonly string[], isFile: boolean): string[] {
  if (isFile) return [place]
  return names
    .filter((name) => name.endsWith('.conf') && !name.startsWith('.'))
    .map((name) => `${place}/${name}`)
}

const FOLDERS = ['modules', 'modprobe.d', 'modules-load.d']

/** The mirrors that are there now, to be removed when the process ends. */
const mirrors = new Set<string>()

function removeMirrors(): void {
  for (const mirror of mirrors) rmSync(mirror, { recursive: true, force: true })
}

async function makeMirror(links: readonly string[]): Promise<string> {
  const mirror = await mkdtemp(join(tmpdir(), 'node-kmod-')).catch((cause: unknown) => {
    throw new KmodError(
      'ERR_KMOD_SYSTEM',
      `Cannot make a temporary folder in ${tmpdir()}, which looking at another root takes.`,
      { cause },
    )
  })
  if (mirrors.size === 0) process.once('exit', removeMirrors)
  mirrors.add(mirror)
  await Promise.all(FOLDERS.map((folder) => mkdir(join(mirror, folder))))
  await Promise.all(
    links.map((link) => {
      const [place, target] = link.split('\0') as [string, string]
      return symlink(target, join(mirror, place))
    }),
  )
  return mirror
}
