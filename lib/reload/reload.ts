/** The verb reload: unloads modules with what depends on them, and loads everything again. */
import { invalidType } from '../contract/errors'
import { checkTargets } from '../contract/names'
import { callback, checkOptions } from '../contract/options'
import { checkParameters, parametersRule } from '../contract/parameters'
import type { ModuleFile, ReloadOptions, ReloadReport } from '../contract/types'
import type { Kernel } from '../kernel/kernel'
import { checkModuleFile, isModuleFile } from '../load/module-file'
import { planOptions, unloadRules } from '../plan/options'
import { carryOut } from '../unload/unload'
import { LoadAgain } from './load-again'

export async function reload(
  kernel: Kernel,
  what: unknown,
  rawOptions?: unknown,
): Promise<ReloadReport> {
  const { parameters, between, ...options } = checkOptions<ReloadOptions>(rawOptions, {
    ...unloadRules,
    parameters: parametersRule,
    between: callback,
  })
  const target = checkTarget(what)
  const file = target.file === null ? null : await describe(kernel, target.file)
  let loadAgain: LoadAgain | undefined
  const report = await carryOut(kernel, {
    names: target.names ?? [file!.module],
    options,
    planOptions: {
      ...planOptions({ dependencies: 'keep', ...options }),
      // A file need not be installed.
      ...(file !== null && { allowUnknown: true }),
    },
    sequel: (call) =>
      (loadAgain = new LoadAgain(call, {
        file,
        parameters: checkParameters(parameters ?? {}),
        between,
      })),
  }).catch((error: unknown) => {
    throw withLoaded(error, loadAgain?.loaded ?? [])
  })
  return { ...report, loaded: [...loadAgain!.loaded] }
}

type Target = { file: ModuleFile; names: null } | { file: null; names: string[] }

function checkTarget(what: unknown): Target {
  if (isModuleFile(what)) return { file: checkModuleFile(what), names: null }
  if (typeof what !== 'string' && !Array.isArray(what)) {
    throw invalidType('what', 'a string, an array of strings or { file: string }', what)
  }
  return { file: null, names: checkTargets(what) }
}

async function describe(
  kernel: Kernel,
  file: ModuleFile,
): Promise<{ file: ModuleFile; module: string }> {
  return { file, module: (await kernel.index.describeFile(file.file)).name }
}

/** Errors of a reload carry the report of a reload. */
function withLoaded(error: unknown, loaded: readonly string[]): unknown {
  if (typeof error !== 'object' || error === null || !('report' in error)) return error
  return Object.assign(error, { report: { ...(error.report as object), loaded: [...loaded] } })
}
