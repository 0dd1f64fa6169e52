/**
 * Which modules a load is about: what a name, an alias or a file stands for, and what is loaded of
 * it.
 */
import {
  alreadyLoadedError,
  builtinBlocker,
  refusalError,
  transientBlocker,
} from '../change/refusals'
import { invalidValue } from '../contract/errors'
import { isName, normalize } from '../contract/names'
import type { LoadedModule } from '../contract/types'
import { statusOfAbsent } from '../inspect/status'
import { unknownBlocker } from '../inspect/unknown'
import type { InsertRequest, Kernel } from '../kernel/kernel'

/** One module that a load must leave loaded. */
export interface Target {
  module: string
  what: InsertRequest['what']
  present: LoadedModule['state'] | 'builtin' | null
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
  if (typeof what !== 'string') {
    const { name, fields } = await kernel.index.describeFile(what.file)
    const depends = fields.find((field) => field.key === 'depends')?.value.split(',') ?? []
    return {
      needs: depends.filter((need) => need !== ''),
      targets: [{ module: name, what, present: loadedState(table, name) }],
    }
  }
  const name = isName(what) ? normalize(what) : null
  // The name of a loaded module wins over an alias.
  const state = name === null ? null : loadedState(table, name)
  if (name !== null && state !== null) {
    return { needs: [], targets: [{ module: name, what, present: state }] }
  }
  const [matches = []] = await kernel.index.lookup([what])
  const modules = matches.length > 0 ? [...new Set(matches)] : name === null ? [] : [name]
  const targets = await Promise.all(
    modules.map(async (module): Promise<Target> => {
      const loaded = loadedState(table, module)
      if (loaded !== null) return { module, what, present: loaded }
      const isBuiltin = (await statusOfAbsent(kernel, module)) === 'builtin'
      return { module, what, present: isBuiltin ? 'builtin' : null }
    }),
  )
  if (matches.length === 0 && targets.every(({ present }) => present === null)) {
    throw refusalError(await unknownBlocker(kernel, name ?? what, 'load'))
  }
  return { needs: [], targets }
}

function loadedState(table: readonly LoadedModule[], name: string): LoadedModule['state'] | null {
  return table.find((module) => module.name === name)?.state ?? null
}

/** `stuckPid`: the process that is stuck in the kernel with the module. */
export function refuseTransient({ module, present }: Target, stuckPid: number | undefined): void {
  if (present !== 'loading' && present !== 'unloading') return
  throw refusalError(transientBlocker(module, present, stuckPid))
}

/** For a load with parameters, or with `mustBeNew`. */
export function refusePresent({ module, present }: Target): void {
  if (present === null) return
  throw present === 'builtin' ? refusalError(builtinBlocker(module)) : alreadyLoadedError(module)
}

/**
 * The parameters of each target: `quirks` is for all, `uvcvideo.quirks` for the one that it names.
 */
export function parametersByTarget(
  parameters: Record<string, string>,
  targets: readonly Target[],
): Map<string, Record<string, string>> {
  const byTarget = new Map(
    targets.map(({ module }): [string, Record<string, string>] => [module, {}]),
  )
  for (const [name, value] of Object.entries(parameters)) {
    const dot = name.indexOf('.')
    const owner = dot < 0 ? undefined : byTarget.get(normalize(name.slice(0, dot)))
    if (owner !== undefined) {
      owner[name.slice(dot + 1)] = value
    } else if (dot >= 0 && targets.length > 1) {
      throw invalidValue('options.parameters', 'of a module that is to be loaded', name)
    } else {
      for (const own of byTarget.values()) own[name] = value
    }
  }
  return byTarget
}
