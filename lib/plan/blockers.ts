/** The fourth stage: what prevents the plan. */
import {
  criticalBlocker,
  heldBlocker,
  heldByUnloadingBlocker,
  inUseBlocker,
  permanentBlocker,
  removeCommandBlocker,
  transientBlocker,
} from '../change/refusals'
import type { Blocker, Effect, LoadedModule, PlanOptions } from '../contract/types'
import { referencesOf } from '../kernel/table'
import type { Readings } from './readings'
import { requiredRemovals, type RemovalSet } from './select'

/** The codes that come last, in this order. The last two can pass while a call waits. */
const LAST = ['ERR_KMOD_HELD', 'ERR_KMOD_IN_USE', 'ERR_KMOD_TRANSIENT']

function sortBlockers(blockers: readonly Blocker[]): Blocker[] {
  return [...blockers].sort((a, b) => LAST.indexOf(a.code) - LAST.indexOf(b.code))
}

/** What blocks the targets and their holders. Dependencies never block: they are kept. */
export function findBlockers(
  readings: Readings,
  targets: readonly string[],
  removals: RemovalSet,
  options: Required<PlanOptions>,
): Blocker[] {
  const blockers: Blocker[] = []
  for (const name of requiredRemovals(readings, targets, options).keys()) {
    const row = readings.graph.row(name)!
    const command = readings.policies.get(name)?.removeCommand ?? null
    const commandRuns = command !== null && options.commands === 'run'
    const ofKernel = kernelBlockers(row, readings, removals, options.force)
      // It is the task of a remove command to end what uses the module.
      .filter(({ code }) => !commandRuns || code !== 'ERR_KMOD_IN_USE')
    blockers.push(...ofKernel)
    if (command !== null && options.commands === 'refuse') {
      blockers.push(removeCommandBlocker(name, command))
    }
    // The guard need not prevent what the kernel prevents.
    if (ofKernel.length > 0) continue
    for (const effect of readings.effects.get(name) ?? []) {
      if (isRefused(effect, options)) blockers.push(criticalBlocker(effect))
    }
  }
  return sortBlockers(blockers)
}

/** Why delete_module(2) would refuse: state, no exit function, holders, references. */
function kernelBlockers(
  row: LoadedModule,
  { graph, stuck }: Readings,
  removals: RemovalSet,
  force: boolean,
): Blocker[] {
  const { name: module } = row
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
  const references = referencesOf(row) ?? 0
  if (references > 0 && !force) {
    const removedHolders = row.holders.filter((holder) => removals.has(holder))
    found.push(inUseBlocker(module, references, { removedHolders }))
  }
  return found
}

function isRefused(
  { kind, subject, severity }: Effect,
  { guard, allow }: Required<PlanOptions>,
): boolean {
  if (guard === 'off' || (severity === 'disruptive' && guard !== 'strict')) return false
  return !allow.includes(kind) && !allow.includes(`${kind}:${subject}`)
}
