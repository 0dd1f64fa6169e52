import { KmodError } from '../contract/errors'

/** Such a kernel ignores the flag, and says no word about it. */
export function forceUnsupported(): KmodError {
  return new KmodError(
    'ERR_KMOD_UNSUPPORTED',
    'This kernel cannot remove modules by force: it was built without CONFIG_MODULE_FORCE_UNLOAD.',
  )
}
