/**
 * Which modules a load is about: those that a name, an alias or a file stands for, and which of them
 * are loaded.
 */
import {
  alreadyLoadedError,
  builtinBlocker,
  otherBuildLoadedError,
  refusalError,
  transientBlocker,
} from '../change/refusals'
import { isName, normalize } from '../contract/names'
import type { LoadedModule, ModuleFile } from '../contract/types'
import { modulesOf } from '../inspect/meaning'
import { statusOfAbsent } from '../inspect/status'
import { unknownBlocker } from '../inspect/unknown'
import type { InsertRequest, Kernel } from '../kernel/kernel'
import type { Description } from '../kernel/module-index'

/** One module that a load must leave loaded. */
export interface Target {
  module: string
  what: InsertRequest['what']
  /** The state before the load; `null`: it is not loaded. */
  present: LoadedModule['state'] | 'builtin' | null
  /** What the file says, for a load from a file. */
  file: Description | null
}

/** A module that must be loaded before a file: by its name, or from another file. */
export type Need = Pick<InsertRequest, 'module' | 'what'>

export interface Targets {
  /** Those that the `depends` of a file names, in the order of loading. */
  needs: Need[]
  targets: Target[]
}

/** Rejects with ERR_KMOD_NOT_FOUND if a name or alias stands for nothing. */
export async function findTargets(
  kernel: Kernel,
  what: string | ModuleFile,
  table: readonly LoadedModule[],
): Promise<Targets> {
  if (typeof what !== 'string') return fileTarget(kernel, what, table)
  const name = isName(what) ? normalize(what) : null
  const state = name === null ? null : loadedState(table, name)
  // The name of a loaded module wins over an alias.
  if (name !== null && state !== null) {
    return { needs: [], targets: [{ module: name, what: name, present: state, file: null }] }
  }
  const { matches } = await modulesOf(kernel, [what])
  const [modules = []] = matches
  const asked = modules.length > 0 ? modules : name === null ? [] : [name]
  const targets = await Promise.all(
    asked.map(async (module): Promise<Target> => {
      // A module is loaded by its name: aliases of modprobe.d with the same text do not count.
      const isByName = module === name
      const target = { module, what: isByName ? module : what, file: null }
      const loaded = loadedState(table, module)
      if (loaded !== null) return { ...target, present: loaded }
      const isBuiltin = (await statusOfAbsent(kernel, module)) === 'builtin'
      return { ...target, present: isBuiltin ? 'builtin' : null }
    }),
  )
  if (modules.length === 0 && targets.every(({ present }) => present === null)) {
    throw refusalError(await unknownBlocker(kernel, name ?? what, 'load'))
  }
  return { needs: [], targets }
}

async function fileTarget(
  kernel: Kernel,
  { file: path, files = [] }: ModuleFile,
  table: readonly LoadedModule[],
): Promise<Targets> {
  const file = await kernel.index.describeFile(path)
  const others = await Promise.all(
    files.map(async (other) => ({ path: other, file: await kernel.index.describeFile(other) })),
  )
  const given = new Map(others.map((other) => [normalize(other.file.name), other]))
  const needs: Need[] = []
  const seen = new Set<string>()
  /** Adds what a file needs, each module after those that it needs itself. */
  const addNeeds = (of: Description): void => {
    for (const need of dependsOf(of)) {
      if (seen.has(need)) continue
      seen.add(need)
      // A loaded module need not be in the index. One that is being unloaded has to be loaded again.
      if (['live', 'loading'].includes(loadedState(table, need) ?? '')) continue
      const other = given.get(need)
      if (other !== undefined) addNeeds(other.file)
      needs.push({ module: need, what: other === undefined ? need : { file: other.path } })
    }
  }
  addNeeds(file)
  const { name: module } = file
  const what = { file: path }
  return { needs, targets: [{ module, what, present: loadedState(table, module), file }] }
}

function dependsOf(file: Description): string[] {
  const depends = (fieldOf(file, 'depends') ?? '').split(',').filter((need) => need !== '')
  // The file has the names as in the source, such as `snd-pcm`; the kernel has underscores.
  return depends.map(normalize)
}

function fieldOf({ fields }: Description, key: string): string | null {
  return fields.find((field) => field.key === key)?.value ?? null
}

function loadedState(table: readonly LoadedModule[], name: string): LoadedModule['state'] | null {
  return table.find((module) => module.name === name)?.state ?? null
}

/** Throws if the module is being loaded or unloaded. `stuckPid`: the process that is stuck with it. */
export function refuseTransient({ module, present }: Target, stuckPid: number | undefined): void {
  if (present !== 'loading' && present !== 'unloading') return
  throw refusalError(transientBlocker(module, present, stuckPid))
}

/** Throws if the module is loaded; for a load with parameters, or with `mustBeNew`. */
export function refusePresent({ module, present }: Target): void {
  if (present !== 'live' && present !== 'builtin') return
  throw present === 'builtin' ? refusalError(builtinBlocker(module)) : alreadyLoadedError(module)
}

/** For a load from a file: the loaded module must have been built from the same source. */
export async function refuseOtherBuild(
  kernel: Kernel,
  { module, what, present, file }: Target,
): Promise<void> {
  if (present !== 'live' || file === null || typeof what === 'string') return
  const { srcVersion: loaded } = await kernel.attributes(module)
  const srcVersion = fieldOf(file, 'srcversion')
  if (loaded !== srcVersion) {
    throw otherBuildLoadedError(module, loaded, { path: what.file, srcVersion })
  }
}
