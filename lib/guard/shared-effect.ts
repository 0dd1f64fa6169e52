/** The result of the functions that find effects: an effect that depends on several modules. */
import type { Effect, EffectKind } from '../contract/types'
import type { Snapshot } from '../kernel/snapshot'

/** Something that stops working if any one of `modules` is removed. */
export interface SharedEffect extends Omit<Effect, 'module'> {
  modules: readonly string[]
}

/** Finds all effects of one kind. */
export type FindEffects = (snapshot: Snapshot) => SharedEffect[]

/** A critical effect blocks an unload unless the caller allows it. */
export function critical(
  kind: EffectKind,
  subject: string,
  message: string,
  modules: readonly string[],
): SharedEffect {
  return { kind, severity: 'critical', subject, message, modules }
}

/** A disruptive effect blocks only with `guard: 'strict'`. */
export function disruptive(
  kind: EffectKind,
  subject: string,
  message: string,
  modules: readonly string[],
): SharedEffect {
  return { kind, severity: 'disruptive', subject, message, modules }
}
