/** Questions about one module: its row in the table, its holders, and its status, loaded or not. */
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

/**
 * The status of a module that is not in the table. `hasTable: false`: the kernel has no table of
 * modules.
 */
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
    // A system without loadable modules often has no libkmod either: the call must not fail there.
    const isExpected = isKmodError(error, 'ERR_KMOD_LIBRARY', 'ERR_KMOD_UNSUPPORTED')
    if (!hasTable && isExpected) return 'unknown'
    throw error
  }
}

/** The error of a call that needs a loaded module: why none with this name is loaded. */
export async function absentError(kernel: Kernel, name: string): Promise<KmodError> {
  const found = await statusOfAbsent(kernel, name).catch((error: unknown) => {
    // Without libkmod the index cannot be read, but it is certain that the module is not loaded.
    if (isKmodError(error, 'ERR_KMOD_LIBRARY')) return 'unloaded'
    throw error
  })
  if (found === 'builtin') return refusalError(builtinBlocker(name))
  // Without an index, it is not known whether the name is wrong.
  if (found === 'unknown' && (await kernel.index.find([])).complete) {
    return refusalError(await unknownBlocker(kernel, name, 'inspect'))
  }
  return refusalError(notLoadedBlocker(name))
}

/** The row of a module in the table. `null`: the kernel has no table of modules. */
export async function rowIfAny(
  kernel: Kernel,
  name: string,
): Promise<LoadedModule | undefined | null> {
  try {
    return await kernel.row(name)
  } catch (error) {
    if (isKmodError(error, 'ERR_KMOD_UNSUPPORTED')) return null
    throw error
  }
}

/**
 * The folder of a built-in module in /sys/module has no `initstate`. While a module is being loaded or
 * removed, its folder has none either for a short time, but then the module is in the table, or was
 * until just before. So a module is taken for built-in only if two readings in a row find the folder
 * without `initstate` and no row in the table.
 */
async function looksBuiltin(kernel: Kernel, name: string): Promise<boolean> {
  for (let look = 0; look < 2; look++) {
    const [sys] = await kernel.sysModules([name])
    if (sys === undefined || sys.identity === '' || sys.initstate !== '') return false
    if (await rowIfAny(kernel, name)) return false
  }
  return true
}
