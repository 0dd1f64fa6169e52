import type { Kernel } from '../kernel/kernel'
import { checkName } from '../contract/names'
import { absentError } from './absent'

/** The loaded modules that use this one. */
export async function holders(kernel: Kernel, name: unknown): Promise<string[]> {
  const wanted = checkName(name)
  const row = await kernel.row(wanted)
  if (row === undefined) throw await absentError(kernel, wanted)
  return row.holders
}
