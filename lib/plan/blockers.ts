/** The fourth stage of a plan: what prevents it from being carried out. */
import {
  criticalBlocker,
  heldBlocker,
  heldByUnloadingBlocker,
  heldInCircleBlocker,
  permanentBlocker,
  removeCommandBlocker,
  transientBlocker,
} from '../change/refusals'
import type { AppliedPlanOptions, Blocker, LoadedModule } from '../contract/types'
import { referencesOf } from '../kernel/table'
import { isRefused } from './effects'
import type { Readings } from './readings'
import { requiredRemovals, type RemovalSet } from './select'
import { explainedInUse, mayBelongToHolders } from './users'

/** Blockers with these codes are last, in this order. The last two can disappear while a call waits. */
const LAST = ['ERR_KMOD_HELD', 'ERR_KMOD_IN_USE', 'ERR_KMOD_TRANSIENT']

function sortBlockers(blockers: readonly Blocker[]): Blocker[] {
  return [...blockers].sort((a, b) => LAST.indexOf(a.code) - LAST.indexOf(b.code))
}

/** What blocks the targets and their holders. Dependencies never block: they are kept. */
export function findBlockers(
  readings: Readings,
  targets: readonly string[],
  removals: RemovalSet,
  inCircles: ReadonlySet<string>,
  options: AppliedPlanOptions,
): Blocker[] {
  const blockers: Blocker[] = []
  for (const name of requiredRemovals(readings, targets, options).keys()) {
    const row = readings.graph.row(name)!
    const command = readings.policies.get(name)?.removeCommand ?? null
    const commandRuns = command !== null && options.commands === 'run'
    const ofKernel = kernelBlockers(row, readings, removals, inCircles, options.force)
      // A remove command is expected to stop what uses the module.
      .filter(({ code }) => !commandRuns || code !== 'ERR_KMOD_IN_USE')
    blockers.push(...ofKernel)
    if (command !== null && options.commands === 'refuse') {
      blockers.push(removeCommandBlocker(name, command))
    }
    // If the kernel refuses the removal, the guard need not refuse it.
    if (ofKernel.length > 0) continue
    for (const effect of readings.effects.get(name) ?? []) {
      if (readings.releases.accepts(effect)) continue
      if (isRefused(effect, options)) blockers.push(criticalBlocker(effect))
    }
  }
  return sortBlockers(blockers)
}

/** Why delete_module(2) would refuse: state, no exit function, holders, references. */
function kernelBlockers(
  row: LoadedModule,
  readings: Readings,
  removals: RemovalSet,
  inCircles: ReadonlySet<string>,
  force: boolean,
): Blocker[] {
  const { name: module } = row
  const { graph, stuck } = readings
  if (row.state !== 'live') return [transientBlocker(module, row.state, stuck.pid(module))]
  const found: Blocker[] = []
  if (row.permanent && !force) found.push(permanentBlocker(module))
  const holders = row.holders.filter((holder) => graph.has(holder) && !removals.has(holder))
  if (holders.length > 0) {
    const areUnloading = holders.every((holder) => graph.row(holder)!.state === 'unloading')
    found.push(
      areUnloading ? heldByUnloadingBlocker(module, holders) : heldBlocker(module, holders),
    )
  }
  const circle = inCircles.has(module) ? row.holders.filter((one) => inCircles.has(one)) : []
  if (circle.length > 0) found.push(heldInCircleBlocker(module, circle))
  const references = referencesOf(row) ?? 0
  const isUndecided = undecidedReferences(row, readings, removals) > 0
  if (referencesLeft(row, readings) > 0 && !force && !isUndecided) {
    const removedHolders = row.holders.filter((holder) => removals.has(holder))
    const { releases, explanations } = readings
    const users =
      releases.steps.length > 0
        ? releases.usersLeft(module)
        : (explanations.get(module)?.users ?? [])
    found.push(explainedInUse(module, references, users, removedHolders))
  }
  return found
}

/** The references that are not held by modules, nor by users that the plan releases. */
function referencesLeft(row: LoadedModule, { releases }: Pick<Readings, 'releases'>): number {
  return Math.max(0, (referencesOf(row) ?? 0) - releases.freed(row.name).count)
}

/**
 * The number of references to a module that may belong to its holders, all of which the plan removes. 0
 * if there are none, if a known user may have them, or if the plan does not remove all holders.
 */
export function undecidedReferences(
  row: LoadedModule,
  readings: Pick<Readings, 'graph' | 'explanations' | 'releases'>,
  removals: RemovalSet,
): number {
  const { graph, explanations, releases } = readings
  // A released user may have any number of references.
  if (!releases.freed(row.name).isSure) return referencesLeft(row, readings)
  if (!explanations.get(row.name)?.isUnexplained) return 0
  return mayBelongToHolders(row, graph, (name) => removals.has(name)) ? referencesOf(row)! : 0
}
