/** The shapes that go in and out of the public functions. Plain data; no code. */
import type { KmodErrorCode, KernelHealth } from './base-types'

export type * from './base-types'
export type * from './plan-types'
export type * from './usage-types'

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

/** Options of {@link Kmod.trace}. */
export interface TraceOptions {
  /** Ends the trace: the next `next()`, or the one that is pending, rejects with ERR_KMOD_ABORTED. */
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
