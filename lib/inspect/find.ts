import type { Kernel } from '../kernel'
import { checkName } from '../names'
import type { LoadedModule } from '../types'

/** One row of the kernel's table. */
export async function find(kernel: Kernel, name: unknown): Promise<LoadedModule | undefined> {
  return kernel.row(checkName(name))
}
