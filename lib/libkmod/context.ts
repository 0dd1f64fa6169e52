/** A context of libkmod: struct kmod_ctx. */
import { release } from 'node:os'
import { resolve } from 'node:path'
import { invalidValue } from '../contract/errors'
import { checkAlias, checkName } from '../contract/names'
import { checkOptions, listOf, oneOf, path as pathRule } from '../contract/options'
import type { CallOptions } from '../contract/types'
import { isFailure } from '../kernel/failure'
import { ask, libkmodError } from './call'
import { Module, modulesOf } from './module'
import {
  loadBinding,
  type NativeCall,
  type NativeConfig,
  type NativeContext,
  type NativeModule,
} from './native'

/** Which modules and which configuration a context reads. */
export interface ContextOptions {
  /** The folder of the modules and of depmod's indexes; default /lib/modules/RELEASE. */
  directory?: string | undefined
  /** Folders and files of modprobe.d; default: those that libkmod was built with. */
  configPaths?: readonly string[] | undefined
}

/** By number: enum Index in native/libkmod/session.h. */
const INDEXES = ['dep', 'alias', 'symbol', 'builtin-alias', 'builtin'] as const
/** The indexes of depmod, as `dumpIndex` names them. */
export type IndexName = (typeof INDEXES)[number]

/** By number. Source: enum kmod_resources in libkmod.h. */
const RESOURCE_STATES = ['ok', 'must-reload', 'must-recreate'] as const
/**
 * What `validateResources` answers: whether the indexes are as they were read (`ok`), must be read again
 * (`loadResources`), or the configuration has changed and another context is needed.
 */
export type ResourceState = (typeof RESOURCE_STATES)[number]

/** The lines of modprobe.d and of the kernel command line, each `[key, value]`. */
export type Config = NativeConfig

/**
 * A context of libkmod in this process: `struct kmod_ctx`. Its calls are carried out one after the
 * other, on a thread of its own. The configuration is read when the context is made.
 *
 * Every method rejects with a {@link KmodError} that has `errno` (negative), `errnoCode`, and in `syscall`
 * the function of libkmod; with ERR_KMOD_ABORTED after `close()`; and with ERR_KMOD_UNSUPPORTED if the
 * libkmod of this system does not have the function.
 *
 * @example
 * ```js
 * import { Context } from 'node-kmod/libkmod'
 * const context = new Context()
 * for (const module of await context.modulesFromLookup('fs-btrfs')) {
 *   console.log(module.name, await module.path())
 * }
 * context.close()
 * ```
 */
export class Context {
  readonly #native: NativeContext

  /**
   * Starts a thread, which calls `kmod_new`. Throws a TypeError for a wrong option, and a KmodError if
   * the addon cannot be loaded or the thread cannot be started. If libkmod cannot be loaded, each call
   * rejects with ERR_KMOD_LIBRARY.
   */
  constructor(options?: ContextOptions) {
    const { directory = `/lib/modules/${release()}`, configPaths } = checkOptions<ContextOptions>(
      options,
      { directory: pathRule, configPaths: listOf(pathRule) },
    )
    const { Context: Native } = loadBinding()
    try {
      this.#native = new Native(
        resolve(directory),
        configPaths?.map((path) => resolve(path)) ?? null,
      )
    } catch (error) {
      const failure: unknown = error instanceof Object && 'failure' in error && error.failure
      if (isFailure(failure)) throw libkmodError(failure, 'start the thread of a context')
      throw error
    }
  }

  /** The module need not exist. `kmod_module_new_from_name` */
  async moduleFromName(name: string, options?: CallOptions): Promise<Module> {
    const checked = checkName(name)
    const begin = (): NativeCall<NativeModule> => this.#native.moduleFromName(checked)
    return Module.of(await this.#ask(`make the module ${checked}`, options, begin))
  }

  /**
   * A module file, which must exist. A context refuses a second path for the same name (EEXIST).
   * `kmod_module_new_from_path`
   */
  async moduleFromPath(path: string, options?: CallOptions): Promise<Module> {
    if (!pathRule.accepts(path)) throw invalidValue('path', pathRule.expected, path)
    const full = resolve(path)
    const begin = (): NativeCall<NativeModule> => this.#native.moduleFromPath(full)
    return Module.of(await this.#ask(`make the module of ${full}`, options, begin))
  }

  /**
   * The modules that a name or alias stands for. If there is no index, there are none; libkmod 28 rejects
   * with ENOSYS then.
   * `kmod_module_new_from_lookup`
   */
  async modulesFromLookup(alias: string, options?: CallOptions): Promise<Module[]> {
    const checked = checkAlias(alias, 'alias')
    return modulesOf(
      await this.#ask(`look up ${checked}`, options, () => this.#native.modulesFromLookup(checked)),
    )
  }

  /** The loaded modules, newest first. `kmod_module_new_from_loaded` */
  async modulesFromLoaded(options?: CallOptions): Promise<Module[]> {
    return modulesOf(
      await this.#ask('list the loaded modules', options, () => this.#native.modulesFromLoaded()),
    )
  }

  /**
   * A module of the indexes by its name, not by an alias; `undefined`: they do not have it. Rejects with
   * ERR_KMOD_UNSUPPORTED before libkmod 30. `kmod_module_new_from_name_lookup`
   */
  async moduleFromNameLookup(name: string, options?: CallOptions): Promise<Module | undefined> {
    const checked = checkName(name)
    const native = await this.#ask(`look up the name ${checked}`, options, () =>
      this.#native.moduleFromNameLookup(checked),
    )
    return native === null ? undefined : Module.of(native)
  }

  /** Keeps the indexes open, which makes lookups faster. `kmod_load_resources` */
  async loadResources(options?: CallOptions): Promise<void> {
    await this.#ask('load the indexes', options, () => this.#native.loadResources())
  }

  /** `kmod_unload_resources` */
  async unloadResources(options?: CallOptions): Promise<void> {
    await this.#ask('unload the indexes', options, () => this.#native.unloadResources())
  }

  /**
   * Whether the files of the configuration and of loaded indexes have changed. `kmod_validate_resources`
   */
  async validateResources(options?: CallOptions): Promise<ResourceState> {
    const state = await this.#ask('validate the indexes', options, () =>
      this.#native.validateResources(),
    )
    return RESOURCE_STATES[state] ?? 'must-recreate'
  }

  /**
   * The configuration, as libkmod iterates over it. libkmod prints a `softdep` with `pre:` and `post:`
   * without the space before `post:`; {@link Module.softDependencies} reads it correctly. `weakdeps` is
   * empty before libkmod 33. `kmod_config_get_aliases` and its neighbours
   */
  async config(options?: CallOptions): Promise<Config> {
    return this.#ask('read the configuration', options, () => this.#native.config())
  }

  /** The text of an index, a line for each entry. `kmod_dump_index` */
  async dumpIndex(index: IndexName, options?: CallOptions): Promise<string> {
    const rule = oneOf(...INDEXES)
    if (!rule.accepts(index)) {
      throw invalidValue('index', rule.expected, index, rule.advice?.(index))
    }
    return this.#ask(`dump the index "${index}"`, options, () =>
      this.#native.dumpIndex(INDEXES.indexOf(index)),
    )
  }

  /**
   * Ends the context: `kmod_unref`. Calls that wait, and later calls of the context and of its modules,
   * reject with ERR_KMOD_ABORTED. A call that libkmod works on is not waited for.
   */
  close(): void {
    this.#native.close()
  }

  #ask<T>(doing: string, options: CallOptions | undefined, begin: () => NativeCall<T>): Promise<T> {
    return ask({ doing, options }, begin)
  }
}
