/** What depmod's index, modprobe.d and the module files say: the questions and the shapes of their answers. */

/** Whether the module index knows a name. */
export interface Presence {
  /** The file that it names. */
  path: string | null
  builtin: boolean
}

/** A module as its file and the configuration describe it. */
export interface Description {
  name: string
  path: string | null
  options: string | null
  removeCommand: string | null
  installCommand: string | null
  blacklisted: boolean
  fields: { key: string; value: string }[]
}

/** What the configuration says about a module's removal. */
export interface RemovalPolicy {
  /** The `remove` command of modprobe.d. */
  removeCommand: string | null
  /** Of all softdep lines that match. */
  softDependencies: { pre: string[]; post: string[] }
  /** modules-load.d or /etc/modules names it: it was loaded on purpose. */
  configured: boolean
}

/** depmod's index, modprobe.d, and the module files. */
export interface ModuleIndex {
  /**
   * The policies of the modules for which anything is configured. They do not depend on the index; if
   * that is damaged, only aliases in the configuration are not resolved, and `unreadable` says so.
   * `complete`: as for `find`.
   */
  policies(names: readonly string[]): Promise<{
    complete: boolean
    unreadable: string[]
    policies: Map<string, RemovalPolicy>
  }>
  /** The modules that each needs, all the way down, as modules.dep has it. */
  needs(names: readonly string[]): Promise<string[][]>
  /** `complete: false`: there is no index by depmod, at most a list of built-ins. */
  find(names: readonly string[]): Promise<{ complete: boolean; found: Presence[] }>
  /** What `modprobe -R` answers for each. */
  lookup(aliases: readonly string[]): Promise<string[][]>
  /** `null`: the index does not have it. Rejects with ERR_KMOD_NOT_FOUND where the file is gone. */
  describe(name: string): Promise<Description | null>
  describeFile(path: string): Promise<Description>
}
