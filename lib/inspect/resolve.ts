import type { Kernel } from '../kernel'
import { checkAlias } from '../names'

/** What `modprobe -R` answers. */
export async function resolve(kernel: Kernel, nameOrAlias: unknown): Promise<string[]> {
  const [names] = await kernel.index.lookup([checkAlias(nameOrAlias, 'nameOrAlias')])
  return names ?? []
}
