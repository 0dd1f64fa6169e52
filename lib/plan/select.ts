/** The second stage of a plan: which modules are removed, and which dependencies are kept and why. */
import type { AppliedPlanOptions, Kept, LoadedModule, StepReason } from '../contract/types'
import { referencesOf } from '../kernel/table'
import type { Progress } from './progress'
import type { Readings } from './readings'
import { mayBelongToHolders } from './users'

/** The modules that a plan removes, each with its reason, in no particular order. */
export type RemovalSet = ReadonlyMap<string, StepReason>

export interface Selection {
  removals: RemovalSet
  kept: Kept[]
  /** All dependencies and soft dependencies that were found, whether they are removed or kept. */
  dependencies: ReadonlyMap<string, StepReason>
  /** Dependencies whose removal depends on what holds their references. */
  unexplained: LoadedModule[]
}

/**
 * The modules that must be removed: the targets and, with `holders: 'remove'`, all modules that use
 * them, directly or through others.
 */
export function requiredRemovals(
  { graph }: Pick<Readings, 'graph'>,
  targets: readonly string[],
  { holders }: AppliedPlanOptions,
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
 * Selects the required removals, and also the dependencies and soft dependencies whose removal is
 * harmless and which no remaining module uses.
 */
export function select(
  readings: Readings,
  targets: readonly string[],
  options: AppliedPlanOptions,
  progress: Progress,
): Selection {
  const { graph } = readings
  const removals = requiredRemovals(readings, targets, options)
  const candidates = new Map<string, StepReason>()
  const { soft, refused } = softDependencies(readings, removals, options, progress)
  for (const [name, reason] of progress.dependencies) {
    if (reason === 'dependency' && graph.has(name) && !removals.has(name)) {
      candidates.set(name, reason)
    }
  }
  for (const name of soft) candidates.set(name, 'soft-dependency')
  const unexplained = new Map<string, LoadedModule>()
  const reasonToKeep = (name: string): Kept['reason'] | null => {
    const row = graph.row(name)!
    const isWanted = options.dependencies === 'unused' || progress.own.has(name)
    const obstacle = progress.givenUp.get(name) ?? obstacleOf(row, candidates.get(name)!, isWanted)
    if (obstacle !== null) return obstacle
    const isOutside = progress.only !== null && !progress.only.has(name)
    const harm = harmOf(name, readings, options) ?? (isOutside ? 'option' : null)
    if (referencesOf(row) === 0) return harm
    const mayBeFree = mayBelongToHolders(row, graph, (one) => removals.has(one))
    // It takes long to find out what holds the references, so this is decided last.
    if (harm !== null || !mayBeFree) return 'in-use'
    unexplained.set(name, row)
    return readings.explanations.get(name)?.isUnexplained ? null : 'in-use'
  }

  /** By module: the number of its holders that have not been selected for removal so far. */
  const holdersLeft = new Map<string, number>()
  const countHoldersLeft = (name: string): number =>
    holdersLeft.get(name) ?? graph.holders(name).filter((holder) => graph.has(holder)).length
  /** Handles a selected module: it is no longer a holder of the modules that it uses. */
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
  // After a module is added, the modules that it uses can be without holders.
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
  for (const module of refused) {
    if (!candidates.has(module) && !removals.has(module)) kept.push({ module, reason: 'option' })
  }
  return { removals, kept, dependencies: candidates, unexplained: [...unexplained.values()] }
}

/**
 * The loaded soft dependencies of the modules that must be removed, and those that earlier plans found.
 * `refused`: those that use a target, directly or through others, and that are therefore not removed
 * with `holders: 'refuse'`.
 */
function softDependencies(
  { graph, policies }: Pick<Readings, 'graph' | 'policies'>,
  required: RemovalSet,
  { holders, softDependencies: areWanted }: AppliedPlanOptions,
  { dependencies }: Progress,
): { soft: string[]; refused: string[] } {
  const found = new Set<string>()
  for (const [name, reason] of dependencies) if (reason === 'soft-dependency') found.add(name)
  for (const name of areWanted ? required.keys() : []) {
    const { pre = [], post = [] } = policies.get(name)?.softDependencies ?? {}
    for (const one of [...pre, ...post]) found.add(one)
  }
  if (found.size === 0) return { soft: [], refused: [] }
  const loaded = [...found].filter((name) => graph.has(name) && !required.has(name))
  if (holders === 'remove') return { soft: loaded, refused: [] }
  const above = graph.reach(required.keys(), (one) => graph.holders(one))
  return {
    soft: loaded.filter((name) => !above.has(name)),
    refused: loaded.filter((name) => above.has(name)),
  }
}

/** Why a dependency cannot or must not be removed, whatever its effects are; `null`: no such reason. */
function obstacleOf(
  { state, permanent }: LoadedModule,
  reason: StepReason,
  areDependenciesWanted: boolean,
): Kept['reason'] | null {
  if (reason === 'dependency' && !areDependenciesWanted) return 'option'
  if (state !== 'live') return 'transient'
  return permanent ? 'permanent' : null
}

/** Why the removal of a dependency that nothing uses would do harm; `null`: its removal is harmless. */
function harmOf(
  name: string,
  { policies, effects, drivers }: Readings,
  options: AppliedPlanOptions,
): Kept['reason'] | null {
  const policy = policies.get(name)
  if ((effects.get(name)?.length ?? 0) > 0) return 'effect'
  if (drivers.has(name)) return 'device'
  if (policy?.removeCommand != null && options.commands === 'refuse') return 'command'
  if (policy?.configured) return 'configured'
  return null
}
