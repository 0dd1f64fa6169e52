/** names -> resolve -> table (one reading of the kernel) -> plan -> guard */
import type { Kernel } from '../kernel/kernel'
import { checkTargets, isName, normalize } from '../contract/names'
import { forceUnsupported } from '../change/force'
import type { PlanOptions, StepReason, UnloadPlan, UnloadStep } from '../contract/types'
import { findBlockers } from './blockers'
import { Graph } from './graph'
import { checkUnloadOptions, planOptions } from './options'
import { order } from './order'
import { BEGINNING, demanded, select, type Progress, type Selection } from './select'
import { findTargets } from './targets'
import { PolicyReader, readEffects, type World } from './world'

/** What an unload would do; nothing is touched. */
export async function plan(kernel: Kernel, names: unknown, options?: unknown): Promise<UnloadPlan> {
  return makePlan(kernel, checkTargets(names), planOptions(checkUnloadOptions(options)))
}

/** In the middle of an execution, with what went before. */
export async function makePlan(
  kernel: Kernel,
  asked: readonly string[],
  options: Required<PlanOptions>,
  progress: Progress = BEGINNING,
): Promise<UnloadPlan> {
  if (options.force && (await kernel.facts()).kernel.forceUnload === false) throw forceUnsupported()
  const reader = new PolicyReader(kernel)
  // It takes the longest; with a guard it is needed for whatever goes.
  const early = options.guard === 'off' || asked.length === 0 ? null : readEffects(kernel)
  early?.catch(() => undefined) // it is heard below, if anything goes
  // Most plans need no more than this, and both take a while.
  const [table] = await Promise.all([
    kernel.table(),
    reader.read(asked.filter(isName).map(normalize)),
  ])
  const graph = new Graph(table)
  const targets = await findTargets(kernel, asked, graph, options, progress.began)

  const world: World = { graph, policies: reader.policies, effects: new Map() }
  const unreadable = [...targets.unreadable]
  let selection = await settle(world, reader, targets.names, options, progress)
  // What goes along must be harmless, also where nobody guards what was asked for.
  const goesAlong = selection.goes.size > demanded(world, targets.names, options).size
  if (selection.goes.size > 0 && (options.guard !== 'off' || goesAlong)) {
    const seen = await (early ?? readEffects(kernel))
    world.effects = seen.effects
    unreadable.push(...seen.unreadable)
    selection = await settle(world, reader, targets.names, options, progress)
  }
  unreadable.push(...reader.unreadable)
  const blockers = findBlockers(world, targets.names, selection, options)
  blockers.unshift(...targets.blockers)
  return {
    targets: targets.names,
    absent: targets.absent,
    steps: order(world, selection.goes).map((name) => stepOf(name, selection.goes, world, options)),
    blockers,
    kept: selection.kept,
    effects:
      options.guard === 'off'
        ? []
        : [...selection.goes.keys()].flatMap((name) => world.effects.get(name) ?? []),
    feasible: blockers.length === 0,
    unreadable: [...new Set(unreadable)],
    options,
  }
}

/** Reads the configuration of what goes, until no more of it is unknown: mostly it is known already. */
async function settle(
  world: World,
  reader: PolicyReader,
  targets: readonly string[],
  options: Required<PlanOptions>,
  progress: Progress,
): Promise<Selection> {
  for (;;) {
    const selection = select(world, targets, options, progress)
    if (!(await reader.read(selection.goes.keys()))) return selection
  }
}

function stepOf(
  module: string,
  goes: ReadonlyMap<string, StepReason>,
  { policies }: World,
  { commands }: Required<PlanOptions>,
): UnloadStep {
  const reason = goes.get(module)!
  const command = policies.get(module)?.removeCommand ?? null
  return command !== null && commands === 'run'
    ? { action: 'run', module, reason, command }
    : { action: 'remove', module, reason }
}
