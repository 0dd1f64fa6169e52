/** What would stop working without which module. */
import type { Snapshot } from '../kernel/snapshot'
import { printable } from '../contract/printable'
import type { Effect } from '../contract/types'
import { defaultRoute } from './default-route'
import { display } from './display'
import { filesystem } from './filesystem'
import type { Guard } from './guard'
import { networkInterface } from './network-interface'
import { rootFilesystem } from './root-filesystem'
import { session } from './session'
import { storage } from './storage'
import { swap } from './swap'
import { virtualMachine } from './virtual-machine'

/** The more severe first. */
const GUARDS: readonly Guard[] = [
  rootFilesystem,
  filesystem,
  swap,
  defaultRoute,
  session,
  display,
  virtualMachine,
  networkInterface,
  storage,
]

/**
 * By module, loaded or not. Of several effects on one subject, such as an interface that goes and the
 * default route with it, a module has the most severe alone.
 */
export function effectsOf(snapshot: Snapshot): Map<string, Effect[]> {
  const effects = new Map<string, Effect[]>()
  for (const { modules, kind, severity, subject, message } of GUARDS.flatMap((guard) =>
    guard(snapshot),
  )) {
    for (const module of modules) {
      const own = effects.get(module) ?? []
      if (own.some((effect) => effect.subject === subject)) continue
      effects.set(module, [
        ...own,
        { kind, severity, module, subject, message: printable(message) },
      ])
    }
  }
  return effects
}
