/** The public object: a line a method. */
import { readdirSync } from 'node:fs'
import { CapturedKernel, type CapturedPlaces } from './captured-kernel'
import { invalidValue } from './errors'
import { find } from './inspect/find'
import { holders } from './inspect/holders'
import { info } from './inspect/info'
import { preflight } from './inspect/preflight'
import { resolve } from './inspect/resolve'
import { status } from './inspect/status'
import type { Kernel } from './kernel'
import { LiveKernel } from './live-kernel'
import { load } from './load/load'
import { checkOptions, folderName, listOf, path } from './options'
import { RootView } from './root-view'
import type {
  KmodOptions,
  LoadedModule,
  LoadOptions,
  LoadReport,
  ModuleInfo,
  ModuleStatus,
  Preflight,
  RemoveOptions,
} from './types'
import { remove } from './unload/remove'

/**
 * A system whose kernel modules are looked at and changed: the running one, or, with `root`, a
 * captured one. Making one reads at most the names in `<root>/lib/modules`. Every method returns a
 * promise and reports every failure through it: a TypeError for a wrong argument, else a
 * {@link KmodError}.
 */
export class Kmod {
  readonly #kernel: Kernel

  /** Throws a TypeError for a wrong option, and where `root` has several kernel releases. */
  constructor(options?: KmodOptions) {
    this.#kernel = options instanceof Given ? options.kernel : openKernel(options)
  }

  /**
   * The loaded modules in the kernel's order: newest first. One true picture: no module that was
   * loaded all the time is missing, none is there twice.
   */
  async list(): Promise<LoadedModule[]> {
    return this.#kernel.table()
  }

  /** One loaded module; `undefined` where it is not loaded. */
  find(name: string): Promise<LoadedModule | undefined> {
    return find(this.#kernel, name)
  }

  /**
   * The loaded modules that use this one. Rejects with ERR_KMOD_BUILTIN, ERR_KMOD_NOT_LOADED (the
   * index has it, or there is none) or ERR_KMOD_NOT_FOUND.
   */
  holders(name: string): Promise<string[]> {
    return holders(this.#kernel, name)
  }

  /** Loaded (and in which state), built in, known but not loaded, or unknown. */
  status(name: string): Promise<ModuleStatus> {
    return status(this.#kernel, name)
  }

  /** Is its status `live`? False for a built-in, and while it is being loaded. */
  async isLoaded(name: string): Promise<boolean> {
    return (await status(this.#kernel, name)) === 'live'
  }

  /** Is it compiled into the kernel? */
  async isBuiltin(name: string): Promise<boolean> {
    return (await status(this.#kernel, name)) === 'builtin'
  }

  /**
   * What a module's file says, by name (no alias) or by the file itself, which need not be installed.
   * Rejects with ERR_KMOD_NOT_FOUND or ERR_KMOD_FORMAT.
   */
  info(what: string | { file: string }): Promise<ModuleInfo> {
    return info(this.#kernel, what)
  }

  /** The modules that a name or alias stands for, as `modprobe -R` answers; none: `[]`. */
  resolve(nameOrAlias: string): Promise<string[]> {
    return resolve(this.#kernel, nameOrAlias)
  }

  /** May and can this process unload modules here, and if not, why not. */
  preflight(): Promise<Preflight> {
    return preflight(this.#kernel)
  }

  /**
   * rmmod: one delete_module(2), with no plan and no guard. Rejects with ERR_KMOD_HELD,
   * ERR_KMOD_IN_USE, ERR_KMOD_PERMANENT, ERR_KMOD_TRANSIENT, ERR_KMOD_BUILTIN, ERR_KMOD_NOT_LOADED,
   * ERR_KMOD_NOT_FOUND, ERR_KMOD_HUNG, ERR_KMOD_ABORTED and those of every change.
   *
   * Aborting in the middle rejects at once; the kernel goes on all the same.
   */
  remove(name: string, options?: RemoveOptions): Promise<void> {
    return remove(this.#kernel, name, options)
  }

  /**
   * modprobe: puts a module in, with what it needs, as modprobe.d says. `{ file }` takes a .ko that
   * is not installed, after what its `depends` names. Rejects with ERR_KMOD_NOT_FOUND,
   * ERR_KMOD_ALREADY_LOADED, ERR_KMOD_LOAD, ERR_KMOD_FORMAT, ERR_KMOD_HUNG and those of every change.
   */
  load(what: string | { file: string }, options?: LoadOptions): Promise<LoadReport> {
    return load(this.#kernel, what, options)
  }
}

/** A Kmod over a kernel that is there already: for tests, with a simulated one. */
export function kmodOn(kernel: Kernel): Kmod {
  return new Kmod(new Given(kernel) as KmodOptions)
}

class Given {
  constructor(readonly kernel: Kernel) {}
}

function openKernel(options: unknown): Kernel {
  const checked = checkOptions<KmodOptions>(options, {
    root: path,
    kernelRelease: folderName,
    moduleDirectory: path,
    configPaths: listOf(path),
  })
  const view = new RootView(checked.root ?? '/')
  if (view.root === '/') return new LiveKernel(checked)
  return new CapturedKernel(view, findPlaces(view, checked))
}

function findPlaces(view: RootView, options: KmodOptions): CapturedPlaces {
  const { moduleDirectory, configPaths } = options
  const releases = options.kernelRelease === undefined ? readReleases(view) : []
  if (releases.length > 1 && moduleDirectory === undefined) {
    throw invalidValue(
      'options.kernelRelease',
      `given, because ${view.show('/lib/modules')} has several (${releases.join(', ')})`,
      undefined,
    )
  }
  const release = options.kernelRelease ?? (releases.length === 1 ? releases[0]! : '')
  return {
    release,
    moduleDirectory:
      moduleDirectory === undefined ? `/lib/modules/${release}` : view.inside(moduleDirectory),
    configPaths: configPaths?.map((one) => view.inside(one)) ?? null,
  }
}

function readReleases(view: RootView): string[] {
  try {
    const entries = readdirSync(view.resolveSync('/lib/modules'), { withFileTypes: true })
    return entries.filter((entry) => !entry.isFile()).map((entry) => entry.name)
  } catch {
    return []
  }
}
