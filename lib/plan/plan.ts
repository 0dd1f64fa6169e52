/** names -> resolve -> table (one reading of the kernel) -> plan -> guard */
import { callsOn } from '../change/calls'
import { NO_FORCE, refusalError } from '../change/refusals'
import { checkTargets, isName, normalize } from '../contract/names'
import type { PlanOptions, UnloadPlan, UnloadStep } from '../contract/types'
import type { Kernel } from '../kernel/kernel'
import { findBlockers } from './blockers'
import { Graph } from './graph'
import { checkUnloadOptions, planOptions } from './options'
import { order } from './order'
import { NO_PROGRESS, type Progress } from './progress'
import { PolicyReader, readEffects, type Readings } from './readings'
import { requiredRemovals, select, type RemovalSet, type Selection } from './select'
import { findTargets } from './targets'

/** What an unload would do. Changes nothing. */
export async function plan(kernel: Kernel, names: unknown, options?: unknown): Promise<UnloadPlan> {
  return makePlan(kernel, checkTargets(names), planOptions(checkUnloadOptions(options)))
}

/** `progress`: what the call has learned so far, if it is not its first plan. */
export async function makePlan(
  kernel: Kernel,
  names: readonly string[],
  options: Required<PlanOptions>,
  progress: Progress = NO_PROGRESS,
): Promise<UnloadPlan> {
  if (options.force && (await kernel.facts()).kernel.forceUnload === false) {
    throw refusalError(NO_FORCE)
  }
  const asked = progress.targets ?? names
  const reader = new PolicyReader(kernel)
  // This takes the longest, so it begins first. A plan with a guard needs it for every removal.
  const early = options.guard === 'off' || asked.length === 0 ? null : readEffects(kernel)
  early?.catch(() => undefined) // awaited below, if anything is removed
  const [table] = await Promise.all([
    kernel.table(),
    // Most plans need no other policies than these.
    reader.read(asked.filter(isName).map(normalize)),
  ])
  const graph = new Graph(table)
  const targets = await findTargets(kernel, asked, graph, options, progress.accepted)

  const { stuck } = callsOn(kernel)
  let readings: Readings = { graph, policies: reader.policies, effects: new Map(), stuck }
  const unreadable = [...targets.unreadable]
  let selection = await selectAll(readings, reader, targets.names, options, progress)
  // The removal of a dependency must be harmless, also without a guard.
  const required = requiredRemovals(readings, targets.names, options)
  const hasDependencies = selection.removals.size > required.size
  if (selection.removals.size > 0 && (options.guard !== 'off' || hasDependencies)) {
    const found = await (early ?? readEffects(kernel))
    readings = { ...readings, effects: found.effects }
    unreadable.push(...found.unreadable)
    selection = await selectAll(readings, reader, targets.names, options, progress)
  }
  unreadable.push(...reader.unreadable)
  const { removals, kept } = selection
  const blockers = [
    ...targets.blockers,
    ...findBlockers(readings, targets.names, removals, options),
  ]
  return {
    targets: targets.names,
    absent: targets.absent,
    steps: order(readings, removals).map((name) => stepOf(name, removals, readings, options)),
    blockers,
    kept,
    effects:
      options.guard === 'off'
        ? []
        : [...removals.keys()].flatMap((name) => readings.effects.get(name) ?? []),
    feasible: blockers.length === 0,
    unreadable: [...new Set(unreadable)],
    options,
  }
}

/** Selects, and reads the policies of what was selected, until there are no more to read. */
async function selectAll(
  readings: Readings,
  reader: PolicyReader,
  targets: readonly string[],
  options: Required<PlanOptions>,
  progress: Progress,
): Promise<Selection> {
  for (;;) {
    const selection = select(readings, targets, options, progress)
    if (!(await reader.read(selection.removals.keys()))) return selection
  }
}

function stepOf(
  module: string,
  removals: RemovalSet,
  { policies }: Readings,
  { commands }: Required<PlanOptions>,
): UnloadStep {
  const reason = removals.get(module)!
  const shell = policies.get(module)?.removeCommand ?? null
  return shell !== null && commands === 'run'
    ? { action: 'run', module, reason, shell }
    : { action: 'remove', module, reason }
}
