/** The refusal for a name that neither the kernel nor the module index knows. */
import { notFoundBlocker } from '../change/refusals'
import { isKmodError } from '../contract/errors'
import { moduleOfFile, normalize } from '../contract/names'
import { nearest } from '../contract/nearest'
import type { Blocker } from '../contract/types'
import type { Kernel } from '../kernel/kernel'

/** `wanted`: what the call needs the module for. */
export async function unknownBlocker(
  kernel: Kernel,
  name: string,
  wanted: Parameters<typeof notFoundBlocker>[1],
): Promise<Blocker> {
  const similar = moduleOfFile(name) === null ? await similarName(kernel, name) : undefined
  return notFoundBlocker(name, wanted, similar)
}

/** The loaded or indexed module whose name is most like a wrong one. */
async function similarName(kernel: Kernel, name: string): Promise<string | undefined> {
  try {
    const [table, indexed] = await Promise.all([kernel.table(), kernel.moduleNames()])
    return nearest(normalize(name), [...table.map((row) => row.name), ...indexed])
  } catch (error) {
    // A system without a table has no loaded modules, and the refusal is true without a suggestion.
    if (!isKmodError(error)) throw error
    return undefined
  }
}
