import { isKmodError } from '../contract/errors'
import type { Kernel } from '../kernel/kernel'
import { checkName } from '../contract/names'
import type { LoadedModule, ModuleStatus } from '../contract/types'

/** What the kernel and the index know about a name. */
export async function status(kernel: Kernel, name: unknown): Promise<ModuleStatus> {
  const wanted = checkName(name)
  const row = await rowIfAny(kernel, wanted)
  if (row) return row.state
  return statusOfAbsent(kernel, wanted, row !== null)
}

/** The status of a module that the table of loaded modules lacks. */
export async function statusOfAbsent(
  kernel: Kernel,
  name: string,
  hasTable = true,
): Promise<ModuleStatus> {
  try {
    if (await looksBuiltin(kernel, name)) return 'builtin'
    const [presence] = (await kernel.index.find([name])).found
    if (presence?.builtin) return 'builtin'
    return presence?.path == null ? 'unknown' : 'unloaded'
  } catch (error) {
    // Where there are no modules at all (another platform, a kernel without them), no libkmod is no
    // surprise: what nothing knows is unknown.
    const known = isKmodError(error, 'ERR_KMOD_LIBRARY', 'ERR_KMOD_UNSUPPORTED')
    if (!hasTable && known) return 'unknown'
    throw error
  }
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
 * A built-in's folder in /sys/module has no `initstate`. Nor has that of a module that is on its way
 * in or out, for an instant (it is in the table then, or was just before): only what still looks so
 * at a second look, and is still not in the table, is one.
 */
async function looksBuiltin(kernel: Kernel, name: string): Promise<boolean> {
  for (let look = 0; look < 2; look++) {
    const [sys] = await kernel.sysModules([name])
    if (sys === undefined || sys.identity === '' || sys.initstate !== '') return false
    if (await rowIfAny(kernel, name)) return false
  }
  return true
}
