/** The second stage: which modules are removed, and which dependencies are kept and why. */
import type { Kept, PlanOptions, StepReason } from '../contract/types'
import { referencesOf } from '../kernel/table'
import type { Progress } from './progress'
import type { Readings } from './readings'

/** The modules that a plan removes, each with its reason, in no particular order. */
export type RemovalSet = ReadonlyMap<string, StepReason>

export interface Selection {
  removals: RemovalSet
  kept: Kept[]
}

/** What must be removed: the targets and, where that is allowed, their holders all the way up. */
export function requiredRemovals(
  { graph }: Pick<Readings, 'graph'>,
  targets: readonly string[],
  { holders }: Required<PlanOptions>,
): Map<string, StepReason> {
  const loaded = targets.filter((name) => graph.has(name))
  const required = new Map<string, StepReason>(loaded.map((name) => [name, 'target']))
  if (holders === 'refuse') return required
  for (const name of graph.reach(loaded, (one) => graph.holders(one))) {
    // A holder without a row was removed while the table was read.
    if (!required.has(name) && graph.has(name)) required.set(name, 'holder')
  }
  return required
}

/**
 * The required removals, and those dependencies and soft dependencies whose removal is harmless and
 * that no module needs which stays.
 */
export function select(
  readings: Readings,
  targets: readonly string[],
  options: Required<PlanOptions>,
  { remaining, givenUp }: Progress,
): Selection {
  const { graph } = readings
  const removals = requiredRemovals(readings, targets, options)
  /**
   * Dependencies and soft dependencies of what is removed, with the reason that a step would have.
   */
  const candidates = new Map<string, StepReason>()
  for (const [name, reason] of remaining) {
    if (graph.has(name) && !removals.has(name)) candidates.set(name, reason)
  }
  if (options.softDependencies) {
    for (const name of softDependenciesOf(readings, removals.keys())) {
      if (!removals.has(name)) candidates.set(name, 'soft-dependency')
    }
  }
  const reasonToKeep = (name: string): Kept['reason'] | null =>
    givenUp.get(name) ?? harmOf(name, candidates.get(name)!, readings, options)

  /** How many holders are not removed, as far as is known by now. */
  const holdersLeft = new Map<string, number>()
  const countHoldersLeft = (name: string): number =>
    holdersLeft.get(name) ?? graph.holders(name).filter((holder) => graph.has(holder)).length
  /** Counts a removed module out of the holders of what it uses. */
  const release = (name: string): void => {
    for (const used of graph.uses(name)) {
      holdersLeft.set(used, countHoldersLeft(used) - 1)
      if (removals.has(used)) continue
      if (!candidates.has(used)) candidates.set(used, 'dependency')
      addIfUnused(used)
    }
  }
  const addIfUnused = (name: string): void => {
    if (removals.has(name) || countHoldersLeft(name) > 0) return
    if (reasonToKeep(name) !== null) return
    removals.set(name, candidates.get(name)!)
    pending.push(name)
  }
  // Each module that is added can leave others without a holder.
  const pending = [...removals.keys()]
  for (const name of pending.splice(0)) release(name)
  for (const name of [...candidates.keys()]) addIfUnused(name)
  for (let name = pending.shift(); name !== undefined; name = pending.shift()) release(name)

  const kept: Kept[] = []
  for (const module of candidates.keys()) {
    if (removals.has(module)) continue
    const reason = reasonToKeep(module)
    const isHeld = countHoldersLeft(module) > 0
    kept.push({ module, reason: isHeld && reason !== 'option' ? 'held' : (reason ?? 'held') })
  }
  return { removals, kept }
}

/** The loaded modules that softdeps of the given ones name. */
function softDependenciesOf(
  { graph, policies }: Pick<Readings, 'graph' | 'policies'>,
  names: Iterable<string>,
): Set<string> {
  const found = new Set<string>()
  for (const name of names) {
    const { pre = [], post = [] } = policies.get(name)?.softDependencies ?? {}
    for (const one of [...pre, ...post]) if (graph.has(one)) found.add(one)
  }
  return found
}

/** Why a dependency is kept although no module uses it; `null`: its removal is harmless. */
function harmOf(
  name: string,
  reason: StepReason,
  { graph, policies, effects, drivers }: Readings,
  options: Required<PlanOptions>,
): Exclude<Kept['reason'], 'held'> | null {
  if (reason === 'dependency' && options.dependencies === 'keep') return 'option'
  const row = graph.row(name)!
  const policy = policies.get(name)
  if (row.state !== 'live') return 'transient'
  if (row.permanent) return 'permanent'
  if (referencesOf(row) !== 0) return 'in-use'
  if ((effects.get(name)?.length ?? 0) > 0) return 'effect'
  if (drivers.has(name)) return 'device'
  if (policy?.removeCommand != null && options.commands === 'refuse') return 'command'
  if (policy?.configured) return 'configured'
  return null
}
