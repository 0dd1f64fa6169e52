import type { Kernel } from '../kernel/kernel'
import { checkAlias } from '../contract/names'

/** What `modprobe -R` answers. */
export async function resolve(kernel: Kernel, nameOrAlias: unknown): Promise<string[]> {
  const [names] = await kernel.index.lookup([checkAlias(nameOrAlias, 'nameOrAlias')])
  return names ?? []
}
