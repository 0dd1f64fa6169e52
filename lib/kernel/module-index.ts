/**
 * The questions to depmod's index, modprobe.d and the module files, and the shapes of the answers.
 */
import { normalize } from '../contract/names'
import type { SystemFiles } from './system-files'

/** What the module index has for a name. */
export interface Presence {
  /** The module's file; `null`: the index has none. */
  path: string | null
  builtin: boolean
}

/** What a module's file and modprobe.d say about it. */
export interface Description {
  name: string
  path: string | null
  options: string | null
  removeCommand: string | null
  installCommand: string | null
  blacklisted: boolean
  fields: { key: string; value: string }[]
}

/** The configuration that concerns a module's removal. */
export interface RemovalPolicy {
  /** The `remove` command of modprobe.d. */
  removeCommand: string | null
  /** The modules in all softdep lines of modprobe.d that match this module. */
  softDependencies: { pre: string[]; post: string[] }
  /** modules-load.d or /etc/modules names the module. */
  configured: boolean
}

/** depmod's index, modprobe.d, and the module files. */
export interface ModuleIndex {
  /**
   * The policies of the modules for which anything is configured. They do not depend on the index: if
   * the index is damaged, only aliases in the configuration are not resolved, and `unreadable` says
   * so. `complete`: as for `find`.
   */
  policies(names: readonly string[]): Promise<{
    complete: boolean
    unreadable: string[]
    policies: Map<string, RemovalPolicy>
  }>
  /** For each module, all modules that it needs, directly or not, as modules.dep lists them. */
  needs(names: readonly string[]): Promise<string[][]>
  /** `complete: false`: there is no index of depmod; there may be a list of built-ins. */
  find(names: readonly string[]): Promise<{ complete: boolean; found: Presence[] }>
  /** For each alias, what `modprobe -R` prints. */
  lookup(aliases: readonly string[]): Promise<string[][]>
  /** `null`: the index does not have it. Rejects with ERR_KMOD_NOT_FOUND if the file is missing. */
  describe(name: string): Promise<Description | null>
  describeFile(path: string): Promise<Description>
}

/**
 * Reads all names from the text files of depmod, because libkmod can only look up a given name. A line
 * of modules.dep is "PATH: PATH ...", one of modules.builtin "PATH".
 */
export async function readModuleNames(files: SystemFiles, directory: string): Promise<string[]> {
  const texts = await files.readTexts([`${directory}/modules.dep`, `${directory}/modules.builtin`])
  return texts.flatMap((text) =>
    [...(text ?? '').matchAll(/^(?:[^\s:]*\/)?([^\s:/]+?)\.ko/gm)].map(([, name]) =>
      normalize(name!),
    ),
  )
}
