import { isKmodError, KmodError } from '../contract/errors'
import type { Kernel } from '../kernel/kernel'
import { statusOfAbsent } from './status'

/**
 * Why a call that needs a loaded module cannot have it: built in; known, or there is no index to
 * tell; or unknown.
 */
export async function absentError(kernel: Kernel, name: string): Promise<KmodError> {
  const status = await statusOfAbsent(kernel, name).catch((error: unknown) => {
    // No libkmod, no addon: as good as no index. That it is not loaded is sure all the same.
    if (isKmodError(error, 'ERR_KMOD_LIBRARY')) return 'unloaded'
    throw error
  })
  if (status === 'builtin') {
    return new KmodError(
      'ERR_KMOD_BUILTIN',
      `Module ${name} is compiled into the kernel: it is always there, and only another kernel is without it.`,
      { module: name },
    )
  }
  if (status === 'unknown' && (await kernel.index.find([name])).complete) {
    return new KmodError(
      'ERR_KMOD_NOT_FOUND',
      `There is no module ${name}: it is not loaded, and the module index does not have it. Check the spelling; \`list()\` has the loaded ones.`,
      { module: name },
    )
  }
  return new KmodError('ERR_KMOD_NOT_LOADED', `Module ${name} is not loaded.`, { module: name })
}
