/** The shapes that go in and out of the public functions. Plain data; no code. */

/** One row of the kernel's table of loaded modules. Source: /proc/modules. */
export interface LoadedModule {
  /** As the kernel has it, with `_`. */
  name: string
  /** Bytes of kernel memory. */
  size: number
  /**
   * All references, those of holders included. `null`: the kernel gives none (the module is being
   * unloaded, or the kernel was built without CONFIG_MODULE_UNLOAD).
   */
  refCount: number | null
  /** Loaded modules that use this one. */
  holders: string[]
  state: 'live' | 'loading' | 'unloading'
  /** It has no exit function: it cannot be unloaded (short of force). */
  permanent: boolean
  /** The kernel's letters for what taints this module, such as `OE`; `''` for none. */
  taints: string
}

/**
 * - `live`, `loading`, `unloading`: the kernel has it.
 * - `builtin`: compiled into the kernel. The module index says so, or /sys/module/NAME is there
 *   without an `initstate` and /proc/modules lacks it.
 * - `unloaded`: the module index has it, the kernel does not.
 * - `unknown`: neither has it.
 */
export type ModuleStatus = 'live' | 'loading' | 'unloading' | 'builtin' | 'unloaded' | 'unknown'

/** What a module's file, or the kernel's list of built-ins, says about it. */
export interface ModuleInfo {
  name: string
  builtin: boolean
  /** The .ko file; `null` for a built-in. */
  path: string | null
  description: string | null
  license: string | null
  version: string | null
  srcVersion: string | null
  vermagic: string | null
  authors: string[]
  aliases: string[]
  /** Modules whose symbols it needs. */
  depends: string[]
  firmware: string[]
  /** Those that its author wrote into the file; modprobe.d can name more. */
  softDependencies: { pre: string[]; post: string[] }
  parameters: { name: string; type: string | null; description: string | null }[]
  /** What modprobe.d (and, on the running system, the kernel command line) sets for it. */
  config: {
    options: string | null
    removeCommand: string | null
    installCommand: string | null
    blacklisted: boolean
  }
  /** Every field, in modinfo's order; values verbatim, not trimmed (vermagic ends in a blank). */
  fields: { key: string; value: string }[]
}

/** May and can this process unload modules here. */
export interface Preflight {
  canUnload: boolean
  canForce: boolean
  /** Why not; empty when `canUnload`. */
  problems: { code: KmodErrorCode; message: string }[]
  kernel: {
    release: string
    /** It has loadable modules at all. */
    modules: boolean
    /** It can unload them (CONFIG_MODULE_UNLOAD). */
    unload: boolean
    /** CONFIG_MODULE_FORCE_UNLOAD; `null` where the kernel's configuration cannot be found. */
    forceUnload: boolean | null
    /** kernel.modules_disabled is set: nothing can be loaded or unloaded until the next boot. */
    modulesDisabled: boolean
    /** `none`, `integrity`, `confidentiality`; `null` where the kernel has no lockdown. */
    lockdown: string | null
  }
  /** CAP_SYS_MODULE, and in the initial user namespace. */
  capability: boolean
  /** The libkmod in use, a path. */
  libkmod: string | null
}

/** Every code that an error of this package can have. */
export type KmodErrorCode =
  | 'ERR_KMOD_NOT_FOUND'
  | 'ERR_KMOD_NOT_LOADED'
  | 'ERR_KMOD_ALREADY_LOADED'
  | 'ERR_KMOD_BUILTIN'
  | 'ERR_KMOD_HELD'
  | 'ERR_KMOD_IN_USE'
  | 'ERR_KMOD_PERMANENT'
  | 'ERR_KMOD_TRANSIENT'
  | 'ERR_KMOD_CRITICAL'
  | 'ERR_KMOD_REMOVE_COMMAND'
  | 'ERR_KMOD_PLAN_CHANGED'
  | 'ERR_KMOD_TIMEOUT'
  | 'ERR_KMOD_HUNG'
  | 'ERR_KMOD_ABORTED'
  | 'ERR_KMOD_REAPPEARED'
  | 'ERR_KMOD_CALLBACK'
  | 'ERR_KMOD_PERMISSION'
  | 'ERR_KMOD_DISABLED'
  | 'ERR_KMOD_UNSUPPORTED'
  | 'ERR_KMOD_LIBRARY'
  | 'ERR_KMOD_FORMAT'
  | 'ERR_KMOD_LOAD'
  | 'ERR_KMOD_READ_ONLY'
  | 'ERR_KMOD_SYSTEM'

/** How the kernel fared while something was done to it. */
export interface KernelHealth {
  /**
   * Kernel taints that were not set before, by the kernel's names without `TAINT_`, such as `WARN`,
   * `FORCED_RMMOD`, `OOT_MODULE`. Like `messages` of the time window, whoever caused them.
   */
  newTaints: string[]
  /** The kernel log since the start; `null`: not readable. */
  messages: string[] | null
  /**
   * `false`: a new taint, or WARNING, BUG or Oops in `messages`; `null`: none of these seen, but the
   * log was not readable.
   */
  clean: boolean | null
}

/** Booleans become 1 and 0, lists are joined by commas. */
export type ModuleParameters = Record<
  string,
  string | number | boolean | readonly (string | number)[]
>

/** Options of {@link Kmod.load}. */
export interface LoadOptions {
  /** Given to the module itself, after those of modprobe.d. */
  parameters?: ModuleParameters
  /** Reject with ERR_KMOD_ALREADY_LOADED instead of resolving when it is loaded already. */
  mustBeNew?: boolean
  /** Milliseconds inside the kernel before ERR_KMOD_HUNG; default 30,000; Infinity for never. */
  hungAfter?: number
  signal?: AbortSignal
}

/** What {@link Kmod.load} did. */
export interface LoadReport extends KernelHealth {
  /** The module that the name or alias stands for. */
  module: string
  /** Everything that this call loaded, dependencies included, in order. */
  loaded: string[]
  alreadyLoaded: boolean
}

/** Options of {@link Kmod.remove}. */
export interface RemoveOptions {
  /** As the kernel means it: overrides references and permanent, never holders or state. */
  force?: boolean
  /** Milliseconds inside the kernel before ERR_KMOD_HUNG; default 30,000; Infinity for never. */
  hungAfter?: number
  signal?: AbortSignal
}

/** Which system a {@link Kmod} looks at. */
export interface KmodOptions {
  /**
   * Default `/`, the running system. Another root is a captured system or an image: it can be
   * inspected; whatever would change a kernel rejects with ERR_KMOD_READ_ONLY. Every path is resolved
   * inside it, symbolic links included: one that does not lead into the root is taken for a path as
   * seen from inside.
   */
  root?: string
  /** Default `uname -r`; under another root the only release in lib/modules. */
  kernelRelease?: string
  /** Default `<root>/lib/modules/<kernelRelease>`. */
  moduleDirectory?: string
  /** modprobe.d directories or files; default libkmod's own, under `root`. */
  configPaths?: readonly string[]
}
