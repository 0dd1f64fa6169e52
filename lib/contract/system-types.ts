/** The system as a whole: which one a Kmod reads, and what its kernel and this process can do. */
import type { KmodErrorCode } from './error-codes'

/** Options of every call that only reads: `list`, `find`, `explain` and others. */
export interface CallOptions {
  /** Rejects the call with ERR_KMOD_ABORTED. */
  signal?: AbortSignal | undefined
}

/** Which system a `Kmod` reads. */
export interface KmodOptions {
  /**
   * The root of the system, default `/`: the running system. Another root is a captured system or an
   * image. Every call that only reads works there; a call that would change a kernel rejects with
   * ERR_KMOD_READ_ONLY. Symbolic links are followed inside the root and never lead out of it.
   */
  root?: string | undefined
  /**
   * The name of the folder in lib/modules. Default: the release of the running kernel (`uname -r`);
   * under another root the only folder in its lib/modules. If there are several and `moduleDirectory`
   * is not given, the constructor throws a TypeError.
   */
  kernelRelease?: string | undefined
  /**
   * Where the modules and depmod's index are. Default: `<root>/lib/modules/<kernelRelease>`. Under
   * another root, a path that does not begin with the root is taken as a path inside the root.
   */
  moduleDirectory?: string | undefined
  /**
   * The modprobe.d directories and files. Of files with the same name, the first one is used. Default:
   * those of libkmod, under `root`. Paths are taken as for `moduleDirectory`.
   */
  configPaths?: readonly string[] | undefined
  /**
   * Milliseconds that the system may take to answer one question, default 10_000. A kernel lock that a
   * stuck module holds, a file server that does not answer, or a FIFO in modprobe.d can hold up an answer
   * for ever. Then the call rejects with ERR_KMOD_NO_ANSWER or, where the answer can do without it,
   * `unreadable` says so. Infinity: no limit.
   */
  timeout?: number | undefined
}

/** Whether this process can unload modules on this system. */
export interface Preflight {
  /** `problems` is empty. */
  canUnload: boolean
  /** `canUnload`, and the kernel can unload modules by force. */
  canForce: boolean
  /** Why modules cannot be unloaded. */
  problems: { code: KmodErrorCode; message: string }[]
  kernel: {
    /** As `uname -r` prints it. */
    release: string
    /** The kernel has loadable modules: /proc/modules exists. */
    modules: boolean
    /** The kernel can unload modules: it was built with CONFIG_MODULE_UNLOAD. */
    unload: boolean
    /**
     * The kernel can unload modules by force: it was built with CONFIG_MODULE_FORCE_UNLOAD. `null`: the
     * configuration of the kernel was not found.
     */
    forceUnload: boolean | null
    /**
     * The sysctl `kernel.modules_disabled` is 1: nothing can be loaded or unloaded until the next boot.
     */
    modulesDisabled: boolean
    /** `none`, `integrity` or `confidentiality`; `null`: the kernel does not show a lockdown state. */
    lockdown: string | null
  }
  /**
   * Changes that this process asks for are made with CAP_SYS_MODULE, in the initial user namespace.
   * Capabilities of the executable file of Node (setcap) do not reach the helper program, which makes them.
   */
  capability: boolean
  /** The path of the libkmod in use; `null`: it cannot be loaded. */
  libkmod: string | null
}
