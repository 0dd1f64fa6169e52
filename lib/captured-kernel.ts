/** Another root: a captured system or an image. Files only, and read only. */
import { rmSync } from 'node:fs'
import { mkdir, mkdtemp, readlink, rm, stat, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { hostClock } from './clock'
import { KmodError } from './errors'
import { readKernel, type FactFiles } from './facts'
import { isFailure, unwrap } from './failure'
import { findLibrary, LibkmodIndex, type IndexSource } from './helper/queries'
import type { Change, Description, Kernel, KernelFacts, ModuleIndex, SysModule } from './kernel'
import { load } from './native'
import type { RootView } from './root-view'
import { parseTable } from './table'
import type { LoadedModule } from './types'

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

export class CapturedKernel implements Kernel {
  readonly readOnly = true
  readonly clock = hostClock
  readonly index: ModuleIndex

  constructor(
    private readonly view: RootView,
    private readonly places: CapturedPlaces,
  ) {
    this.index = new CapturedIndex(view, places)
  }

  async table(): Promise<LoadedModule[]> {
    const path = await this.view.resolve('/proc/modules')
    const table = await load().native.readTable(path)
    if (isFailure(table) && ['ENOENT', 'ENOTDIR'].includes(table.errnoName)) {
      throw new KmodError(
        'ERR_KMOD_UNSUPPORTED',
        `There is no ${this.view.show('/proc/modules')}: the captured system had no loadable ` +
          'modules, or its /proc/modules was not captured.',
      )
    }
    return parseTable(unwrap(table, 'read the captured table of loaded modules').text)
  }

  async row(name: string): Promise<LoadedModule | undefined> {
    return (await this.table()).find((module) => module.name === name)
  }

  sysModules(names: readonly string[]): Promise<SysModule[]> {
    return Promise.all(
      names.map(async (name) => {
        const folder = `/sys/module/${name}`
        const [status, initstate] = await Promise.all([
          stat(await this.view.resolve(folder)).catch(() => null),
          this.view.read(`${folder}/initstate`),
        ])
        return {
          identity: status?.isDirectory() ? String(status.ino) : '',
          initstate: initstate?.trim() ?? '',
        }
      }),
    )
  }

  async facts(): Promise<KernelFacts> {
    const files: FactFiles = {
      read: (path) => this.view.read(path),
      readBytes: (path) => this.view.readBytes(path),
      readLink: async (path) => readlink(await this.view.resolve(path)).catch(() => null),
    }
    const [kernel, library] = await Promise.all([
      readKernel(files, this.places.release, this.places.moduleDirectory),
      findLibrary(),
    ])
    return { kernel, capability: false, ...library }
  }

  async taints(): Promise<bigint> {
    return BigInt((await this.view.read('/proc/sys/kernel/tainted'))?.trim() ?? 0)
  }

  openLog(): Promise<null> {
    return Promise.resolve(null)
  }

  remove(): Change {
    throw readOnlyError(this.view.root)
  }

  insert(): Change {
    throw readOnlyError(this.view.root)
  }
}

function readOnlyError(root: string): KmodError {
  return new KmodError(
    'ERR_KMOD_READ_ONLY',
    `This Kmod looks at ${root}, not at the running system: it can only be inspected. Use a Kmod ` +
      'without `root` to change the running kernel.',
  )
}

/**
 * libkmod follows symbolic links out of the root. So it is shown a mirror: a folder of links, each to
 * where a file really is when every link on the way is followed inside the root.
 */
class CapturedIndex implements ModuleIndex {
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
      kernelCommandLine: false,
    }
  }

  /** "PLACE\0TARGET" for each link. */
  async #plan(): Promise<string[]> {
    const links = new Map<string, string>()
    const { moduleDirectory, configPaths } = this.places
    for (const name of await this.view.list(moduleDirectory)) {
      // Links to the kernel's source tree, which no module is loaded from.
      if (name === 'build' || name === 'source') continue
      links.set(`modules/${name}`, `${moduleDirectory}/${name}`)
    }
    for (const place of configPaths ?? CONFIG_DIRECTORIES) {
      for (const file of await this.#configFiles(place)) {
        // Of two files with one name the first counts, whatever their folders.
        const link = `modprobe.d/${basename(file, '.conf')}.conf`
        if (!links.has(link)) links.set(link, file)
      }
    }
    const resolved = await Promise.all(
      [...links].map(async ([link, path]) => {
        const target = await this.view.resolve(path).catch(() => null)
        return target === null ? [] : [`${link}\0${target}`]
      }),
    )
    return resolved.flat()
  }

  /** The files of a modprobe.d folder; `place` itself where it is a file. */
  async #configFiles(place: string): Promise<string[]> {
    const names = await this.view.list(place)
    if (names.length === 0 && (await this.view.read(place)) !== null) return [place]
    return names
      .filter((name) => name.endsWith('.conf') && !name.startsWith('.'))
      .map((name) => `${place}/${name}`)
  }
}

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
  await Promise.all([mkdir(join(mirror, 'modules')), mkdir(join(mirror, 'modprobe.d'))])
  await Promise.all(
    links.map((link) => {
      const [place, target] = link.split('\0') as [string, string]
      return symlink(target, join(mirror, place))
    }),
  )
  return mirror
}
