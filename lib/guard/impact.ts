import { meaningsOf } from '../inspect/meaning'
import type { Kernel } from '../kernel'
import { checkTargets } from '../plan/plan'
import type { Effect } from '../types'
import { effectsOf } from './effects'

/**
 * What would stop working without these modules: of those that are loaded, in the order in which they
 * were named. Rejects with ERR_KMOD_NOT_FOUND for a name that nobody knows.
 */
export async function impact(kernel: Kernel, names: unknown): Promise<Effect[]> {
  const meanings = await meaningsOf(kernel, checkTargets(names))
  const modules = new Set(meanings.flatMap(({ rows }) => rows.map(({ name }) => name)))
  if (modules.size === 0) return []
  const effects = effectsOf(await kernel.snapshot({ openDevices: false }))
  return [...modules].flatMap((module) => effects.get(module) ?? [])
}
