/** One module: its row in the table, its holders, and its status, loaded or not. */
import { builtinBlocker, notLoadedBlocker, refusalError } from '../change/refusals'
import { isKmodError, type KmodError } from '../contract/errors'
import { checkName } from '../contract/names'
import type { LoadedModule, ModuleStatus } from '../contract/types'
import type { Kernel } from '../kernel/kernel'
import { unknownBlocker } from './unknown'

export async function find(kernel: Kernel, name: unknown): Promise<LoadedModule | undefined> {
  return kernel.row(checkName(name))
}

/** The loaded modules that use this one. */
export async function holders(kernel: Kernel, name: unknown): Promise<string[]> {
  const wanted = checkName(name)
  const row = await kernel.row(wanted)
  if (row === undefined) throw await absentError(kernel, wanted)
  return row.holders
}

export async function status(kernel: Kernel, name: unknown): Promise<ModuleStatus> {
  const wanted = checkName(name)
  const row = await rowIfAny(kernel, wanted)
  if (row) return row.state
  return statusOfAbsent(kernel, wanted, row !== null)
}

/** The status of a module that is not in the table. `hasTable: false`: there is no table. */
export async function statusOfAbsent(
  kernel: Kernel,
  name: string,
  hasTable = true,
): Promise<'builtin' | 'unloaded' | 'unknown'> {
  try {
    if (await looksBuiltin(kernel, name)) return 'builtin'
    const [presence] = (await kernel.index.find([name])).found
    if (presence?.builtin) return 'builtin'
    return presence?.path == null ? 'unknown' : 'unloaded'
  } catch (error) {
    // A system without loadable modules often has no libkmod either. That is no reason to fail.
    const isExpected = isKmodError(error, 'ERR_KMOD_LIBRARY', 'ERR_KMOD_UNSUPPORTED')
    if (!hasTable && isExpected) return 'unknown'
    throw error
  }
}

/** For calls that need a loaded module: why there is none of that name. */
export async function absentError(kernel: Kernel, name: string): Promise<KmodError> {
  const found = await statusOfAbsent(kernel, name).catch((error: unknown) => {
    // Without libkmod there is no index to ask. That the module is not loaded is certain.
    if (isKmodError(error, 'ERR_KMOD_LIBRARY')) return 'unloaded'
    throw error
  })
  if (found === 'builtin') return refusalError(builtinBlocker(name))
  // Without an index, no name is known to be wrong.
  if (found === 'unknown' && (await kernel.index.find([])).complete) {
    return refusalError(await unknownBlocker(kernel, name, 'inspect'))
  }
  return refusalError(notLoadedBlocker(name))
}

/** `null`: there is no table. */
async function rowIfAny(kernel: Kernel, name: string): Promise<LoadedModule | undefined | null> {
  try {
    return await kernel.row(name)
  } catch (error) {
    if (isKmodError(error, 'ERR_KMOD_UNSUPPORTED')) return null
    throw error
  }
}

/**
 * The folder of a built-in in /sys/module has no `initstate`. While a module is loaded or removed,
 * its folder has none either, for a moment; but then the module is in the table, or was just
 * before. So a module is built in if it looks so twice and is in the table neither time.
 */
async function looksBuiltin(kernel: Kernel, name: string): Promise<boolean> {
  for (let look = 0; look < 2; look++) {
    const [sys] = await kernel.sysModules([name])
    if (sys === undefined || sys.identity === '' || sys.initstate !== '') return false
    if (await rowIfAny(kernel, name)) return false
  }
  return true
}
