/**
 * lib/guard finds what would stop working without a module. Each kind of effect has one function, in
 * another file of this folder, which the table below names.
 */
import { printable } from '../contract/printable'
import type { Effect } from '../contract/types'
import type { Snapshot } from '../kernel/snapshot'
import { displays, keyboards, virtualMachines } from './machine'
import { defaultRoutes, firewalls, interfaces, sessions } from './network'
import type { FindEffects } from './shared-effect'
import { blockDevices, mountedFileSystems, rootFileSystem, swapAreas } from './storage'

/** In the order in which the effects of a module are listed: the most severe first. */
const KINDS: readonly FindEffects[] = [
  rootFileSystem,
  mountedFileSystems,
  swapAreas,
  defaultRoutes,
  sessions,
  firewalls,
  displays,
  keyboards,
  virtualMachines,
  interfaces,
  blockDevices,
]

/**
 * The effects of each module, whether it is loaded or not. A module has at most one effect of each kind
 * on one subject. One interface can be the subject of several kinds: a default route, a session, an
 * interface.
 */
export function effectsOf(snapshot: Snapshot): Map<string, Effect[]> {
  // Other users decide how many effects a module has, so this must be linear.
  const found = new Map<string, Map<string, Effect>>()
  for (const find of KINDS) {
    for (const { modules, kind, severity, subject, message } of find(snapshot)) {
      const printed = printable(message)
      for (const module of modules) {
        const own = found.get(module) ?? new Map<string, Effect>()
        found.set(module, own)
        const key = `${kind}:${subject}`
        if (!own.has(key)) own.set(key, { kind, severity, module, subject, message: printed })
      }
    }
  }
  return new Map([...found].map(([module, own]) => [module, [...own.values()]]))
}
