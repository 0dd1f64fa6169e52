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
import type { LoadedModule } from '../contract/types'
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

export interface Targets {
  /** Modules to load first: those that a file's `depends` names. */
  needs: string[]
  targets: Target[]
}

/** Rejects with ERR_KMOD_NOT_FOUND if a name or alias stands for nothing. */
export async function findTargets(
  kernel: Kernel,
  what: string | { file: string },
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
  what: { file: string },
  table: readonly LoadedModule[],
): Promise<Targets> {
  const file = await kernel.index.describeFile(what.file)
  const { name: module } = file
  const needs = (fieldOf(file, 'depends') ?? '')
    .split(',')
    .filter((need) => need !== '')
    // The file has the names as in the source, such as `snd-pcm`; the kernel has underscores.
    .map(normalize)
    // A loaded module need not be in the index. One that is being unloaded has to be loaded again.
    .filter((need) => !['live', 'loading'].includes(loadedState(table, need) ?? ''))
  return { needs, targets: [{ module, what, present: loadedState(table, module), file }] }
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
