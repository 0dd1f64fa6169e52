import { meaningsOf, refuseUnknown } from '../inspect/meaning'
import type { Kernel } from '../kernel/kernel'
import { checkTargets } from '../contract/names'
import type { Effect } from '../contract/types'
import { effectsOf } from './effects'

/**
 * What would stop working without these modules: of those that are loaded, in the order in which they
 * were named. Rejects with ERR_KMOD_NOT_FOUND for a name that nobody knows.
 */
export async function impact(kernel: Kernel, names: unknown): Promise<Effect[]> {
  const asked = checkTargets(names)
  const loaded = new Set((await kernel.table()).map(({ name }) => name))
  const { meanings } = await meaningsOf(kernel, asked, (one) => loaded.has(one))
  for (const missing of meanings.flatMap((meaning) => meaning.missing)) refuseUnknown(missing)
  const modules = new Set(meanings.flatMap((meaning) => meaning.loaded))
  if (modules.size === 0) return []
  const effects = effectsOf(await kernel.snapshot({ users: false }))
  return [...modules].flatMap((module) => effects.get(module) ?? [])
}
