import type { Kernel } from '../kernel/kernel'
import { checkName } from '../contract/names'
import type { LoadedModule } from '../contract/types'

/** One row of the kernel's table. */
export async function find(kernel: Kernel, name: unknown): Promise<LoadedModule | undefined> {
  return kernel.row(checkName(name))
}
