/** What `list`, `find`, `status` and `info` resolve with: one module, in the kernel or as a file. */

/**
 * - `live`, `loading`, `unloading`: the module is in the kernel, in this state.
 * - `builtin`: the module is compiled into the kernel. The module index lists it as a built-in, or
 *   /sys/module/NAME exists without an `initstate` file while /proc/modules does not list the module.
 * - `unloaded`: the module index lists it; it is not in the kernel.
 * - `unknown`: neither the kernel nor the module index knows the name.
 */
export type ModuleStatus = 'live' | 'loading' | 'unloading' | 'builtin' | 'unloaded' | 'unknown'

/** One row of the kernel's table of loaded modules. Source: /proc/modules. */
export interface LoadedModule {
  /** As the kernel writes it, with `_` instead of `-`. */
  name: string
  /** Bytes of kernel memory. */
  size: number
  /**
   * The reference count: all references, including those of the holders. `null`: the kernel gives no
   * count, because the module is being unloaded or the kernel was built without CONFIG_MODULE_UNLOAD.
   */
  refCount: number | null
  /** The loaded modules that use this one. */
  holders: string[]
  state: 'live' | 'loading' | 'unloading'
  /**
   * The module has an init function and no exit function: the kernel refuses to unload it without
   * `force`.
   */
  permanent: boolean
  /** The kernel's letters for the taints of this module, such as `OE`; `''` for none. */
  taints: string
}

/** What a module's file, or the kernel's list of built-ins, says about the module. */
export interface ModuleInfo {
  name: string
  /** The module is compiled into the kernel. */
  builtin: boolean
  /** The path of the .ko file; `null` for a built-in. */
  path: string | null
  /** `null`, here and in the following fields: the file does not say. */
  description: string | null
  license: string | null
  version: string | null
  /** A checksum of the source files that the module was built from. */
  srcVersion: string | null
  /** The kernel release and the build options that the module was built for. */
  vermagic: string | null
  authors: string[]
  /** Patterns of the devices and names that the module serves, such as `pci:v00008086d*`. */
  aliases: string[]
  /** The modules whose symbols this module needs. Written with `-` or `_`, as in the file. */
  depends: string[]
  /** Firmware files that the module may request. */
  firmware: string[]
  /** The soft dependencies that the author wrote into the file; modprobe.d can add more. */
  softDependencies: { pre: string[]; post: string[] }
  /** The parameters that the module declares. */
  parameters: { name: string; type: string | null; description: string | null }[]
  /**
   * The loaded module, as /sys/module shows it; the other fields describe the file. `null`: the module
   * is not loaded. A parameter without a readable value is `null`.
   */
  loaded: {
    version: string | null
    srcVersion: string | null
    parameters: Record<string, string | null>
  } | null
  /** What modprobe.d and, on the running system, the kernel command line say about the module. */
  config: {
    /** The parameters that modprobe passes, as one line. */
    options: string | null
    removeCommand: string | null
    installCommand: string | null
    blacklisted: boolean
  }
  /** Every field, in the order of modinfo. The values are not trimmed: vermagic ends with a space. */
  fields: { key: string; value: string }[]
}
