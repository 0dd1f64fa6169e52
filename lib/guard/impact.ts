/** Implements impact() of the public interface. */
import { KmodError } from '../contract/errors'
import { checkTargets } from '../contract/names'
import type { Effect } from '../contract/types'
import { meaningsOf, refuseUnknown } from '../inspect/meaning'
import type { Kernel } from '../kernel/kernel'
import { effectsOf } from './effects'

/**
 * What would stop working without these modules. Only loaded modules have effects. The effects are
 * listed in the order in which the caller named the modules. Rejects with ERR_KMOD_NOT_FOUND for an
 * unknown name.
 */
export async function impact(kernel: Kernel, names: unknown): Promise<Effect[]> {
  const asked = checkTargets(names)
  const loaded = new Set((await kernel.table()).map(({ name }) => name))
  const { meanings } = await meaningsOf(kernel, asked, (one) => loaded.has(one))
  for (const missing of meanings.flatMap((meaning) => meaning.missing)) {
    await refuseUnknown(kernel, missing)
  }
  const modules = new Set(meanings.flatMap((meaning) => meaning.loaded))
  if (modules.size === 0) return []
  const snapshot = await kernel.snapshot({ users: false })
  const [unanswered] = snapshot.unanswered
  if (unanswered !== undefined) {
    const { question, message } = unanswered
    throw new KmodError('ERR_KMOD_NO_ANSWER', message, { question })
  }
  const effects = effectsOf(snapshot)
  return [...modules].flatMap((module) => effects.get(module) ?? [])
}
