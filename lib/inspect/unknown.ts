/** The refusal of a name that is neither in the table of loaded modules nor in the module index. */
import { notFoundBlocker } from '../change/refusals'
import { isKmodError } from '../contract/errors'
import { moduleOfFile, normalize } from '../contract/names'
import { nearest } from '../contract/nearest'
import type { Blocker } from '../contract/types'
import type { Kernel } from '../kernel/kernel'

/** `wanted`: what the call wants to do with the module. */
export async function unknownBlocker(
  kernel: Kernel,
  name: string,
  wanted: Parameters<typeof notFoundBlocker>[1],
): Promise<Blocker> {
  const similar = moduleOfFile(name) === null ? await similarName(kernel, name) : undefined
  return notFoundBlocker(name, wanted, similar)
}

/** The loaded or listed module whose name is most similar to a wrong name. */
async function similarName(kernel: Kernel, name: string): Promise<string | undefined> {
  const [loaded, listed] = await Promise.all([
    // A system without a table of modules can still have lists of modules.
    kernel.table().catch((error: unknown) => {
      if (!isKmodError(error)) throw error
      return []
    }),
    kernel.moduleNames(),
  ])
  return nearest(normalize(name), [...loaded.map((row) => row.name), ...listed])
}
