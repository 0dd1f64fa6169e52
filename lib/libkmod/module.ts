/** A module of a context: struct kmod_module. */
import type { CallOptions, RemoveOptions } from '../contract/types'
import { ask } from './call'
import { insert, remove, type InsertOptions } from './change'
import type { NativeCall, NativeModule } from './native'

/** `null`: neither loaded nor in the index of built-ins. */
export type InitState = 'live' | 'coming' | 'going' | 'builtin' | null

/** How a module file binds a symbol that it needs. `weak`: the module can do without the symbol. */
export type SymbolBind = 'none' | 'local' | 'global' | 'weak' | 'undefined'

/** By number. Source: enum kmod_module_initstate in libkmod.h. */
const INIT_STATES = ['builtin', 'live', 'coming', 'going'] as const

/** Source: enum kmod_symbol_bind in libkmod.h. */
const BINDS = new Map<number, SymbolBind>([
  [0, 'none'],
  ['L'.charCodeAt(0), 'local'],
  ['G'.charCodeAt(0), 'global'],
  ['W'.charCodeAt(0), 'weak'],
  ['U'.charCodeAt(0), 'undefined'],
])

/**
 * A module as libkmod sees it, which need not exist: `struct kmod_module`. The methods of a `Context`
 * return it. It keeps its context usable until it is collected, or until the context is closed.
 *
 * Every method rejects with a {@link KmodError} that has `errno` (negative), `errnoCode`, and in `syscall`
 * the function of libkmod; with ERR_KMOD_ABORTED after `close()` of the context.
 */
export class Module {
  /** The name, with `_` instead of `-`: `kmod_module_get_name`. */
  readonly name: string
  readonly #native: NativeModule

  private constructor(native: NativeModule) {
    this.name = native.name
    this.#native = native
  }

  /** @internal */
  static of(native: NativeModule): Module {
    return new Module(native)
  }

  /** The module file; `null`: the index has none. `kmod_module_get_path` */
  async path(options?: CallOptions): Promise<string | null> {
    return this.#ask('find the file', options, (native) => native.path())
  }

  /** The options from modprobe.d and the kernel command line. `kmod_module_get_options` */
  async options(options?: CallOptions): Promise<string | null> {
    return this.#ask('read the options', options, (native) => native.options())
  }

  /** The command that modprobe runs instead of an insertion. `kmod_module_get_install_commands` */
  async installCommands(options?: CallOptions): Promise<string | null> {
    return this.#ask('read the install command', options, (native) => native.installCommands())
  }

  /** The command that modprobe runs instead of a removal. `kmod_module_get_remove_commands` */
  async removeCommands(options?: CallOptions): Promise<string | null> {
    return this.#ask('read the remove command', options, (native) => native.removeCommands())
  }

  /**
   * The state in the kernel. libkmod takes a module for `coming` if /sys/module/NAME exists without an
   * `initstate`: so a built-in that modules.builtin.bin does not list is `coming`, too.
   * `kmod_module_get_initstate`
   */
  async initState(options?: CallOptions): Promise<InitState> {
    const state = await this.#ask('read the state', options, (native) => native.initState())
    return state === null ? null : (INIT_STATES[state] ?? null)
  }

  /** All references; -1 while the module is being removed. `kmod_module_get_refcnt` */
  async refCount(options?: CallOptions): Promise<number> {
    return this.#ask('read the reference count', options, (native) => native.refCount())
  }

  /** Bytes in memory. `kmod_module_get_size` */
  async size(options?: CallOptions): Promise<number> {
    return this.#ask('read the size', options, (native) => native.size())
  }

  /** The loaded modules that use it. `kmod_module_get_holders` */
  async holders(options?: CallOptions): Promise<Module[]> {
    return modulesOf(await this.#ask('read the holders', options, (native) => native.holders()))
  }

  /**
   * The modules that it needs, directly and indirectly, in the order in which they are inserted. libkmod
   * returns none if the file of one of them is missing. `kmod_module_get_dependencies`
   */
  async dependencies(options?: CallOptions): Promise<Module[]> {
    const read = (native: NativeModule): NativeCall<NativeModule[]> => native.dependencies()
    return modulesOf(await this.#ask('look up the dependencies', options, read))
  }

  /** Rejects with ERR_KMOD_UNSUPPORTED before libkmod 33. `kmod_module_get_weakdeps` */
  async weakDependencies(options?: CallOptions): Promise<Module[]> {
    const read = (native: NativeModule): NativeCall<NativeModule[]> => native.weakDependencies()
    return modulesOf(await this.#ask('look up the weak dependencies', options, read))
  }

  /** Of the first `softdep` line that matches the name. `kmod_module_get_softdeps` */
  async softDependencies(options?: CallOptions): Promise<{ pre: Module[]; post: Module[] }> {
    const { pre, post } = await this.#ask('look up the soft dependencies', options, (native) =>
      native.softDependencies(),
    )
    return { pre: modulesOf(pre), post: modulesOf(post) }
  }

  /** What modinfo prints, in its order. `kmod_module_get_info` */
  async info(options?: CallOptions): Promise<{ key: string; value: string }[]> {
    return this.#ask('read the information', options, (native) => native.info())
  }

  /**
   * Where the sections of the loaded module are in memory. The kernel shows zeros, or nothing, to users
   * without privileges. It reads the files that `kmod_module_get_sections` reads, without that function,
   * which damages memory if the module is removed at the same time.
   */
  async sections(options?: CallOptions): Promise<{ name: string; address: bigint }[]> {
    return this.#ask('read the sections', options, (native) => native.sections())
  }

  /** What `modprobe --dump-modversions` prints. `kmod_module_get_versions` */
  async versions(options?: CallOptions): Promise<{ symbol: string; crc: bigint }[]> {
    return this.#ask('read the symbol versions', options, (native) => native.versions())
  }

  /** The symbols that the file exports. `kmod_module_get_symbols` */
  async symbols(options?: CallOptions): Promise<{ symbol: string; crc: bigint }[]> {
    return this.#ask('read the exported symbols', options, (native) => native.symbols())
  }

  /** The symbols that the file needs. `kmod_module_get_dependency_symbols` */
  async dependencySymbols(
    options?: CallOptions,
  ): Promise<{ symbol: string; crc: bigint; bind: SymbolBind }[]> {
    const symbols = await this.#ask('read the needed symbols', options, (native) =>
      native.dependencySymbols(),
    )
    return symbols.map(({ symbol, crc, bind }) => ({
      symbol,
      crc,
      bind: BINDS.get(bind) ?? 'none',
    }))
  }

  /**
   * Removes the module from the running kernel, in a process of the helper program, with
   * `kmod_module_remove_module`: without a look at modprobe.d, at dependencies and at what would stop
   * working. Rejects with ERR_KMOD_HUNG if the kernel does not answer within `hungAfter`.
   */
  async remove(options?: RemoveOptions): Promise<void> {
    return remove(this.name, options)
  }

  /**
   * Inserts the module file into the running kernel, in a process of the helper program, with
   * `kmod_module_insert_module`: without its dependencies, and without the options and commands of
   * modprobe.d. Rejects with ERR_KMOD_HUNG if the kernel does not answer within `hungAfter`.
   */
  async insert(options?: InsertOptions): Promise<void> {
    return insert(this.name, (signal) => this.path({ signal }), options)
  }

  #ask<T>(
    what: string,
    options: CallOptions | undefined,
    begin: (native: NativeModule) => NativeCall<T>,
  ): Promise<T> {
    const question = { doing: `${what} of module ${this.name}`, module: this.name, options }
    return ask(question, () => begin(this.#native))
  }
}

export function modulesOf(natives: NativeModule[]): Module[] {
  return natives.map((native) => Module.of(native))
}
