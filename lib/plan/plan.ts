/**
 * lib/plan computes what an unload would do, and changes nothing. Its stages are: find the targets
 * (targets.ts), select the removals (select.ts), order them (order.ts), and find the blockers
 * (blockers.ts). All stages use one reading of the kernel's table.
 */
import { callsOn } from '../change/calls'
import { NO_FORCE, refusalError } from '../change/refusals'
import { checkTargets, isName, normalize } from '../contract/names'
import type { AppliedPlanOptions, LoadedModule, UnloadPlan, UnloadStep } from '../contract/types'
import type { Kernel } from '../kernel/kernel'
import { referencesOf } from '../kernel/table'
import { findBlockers, undecidedReferences } from './blockers'
import { Graph } from './graph'
import { checkUnloadOptions, planOptions } from './options'
import { order } from './order'
import { NO_PROGRESS, type Progress } from './progress'
import { PolicyReader, readEffects, type Readings } from './readings'
import { NO_RELEASES, planReleases, usersOfMounts } from './releases'
import { requiredRemovals, select, type RemovalSet, type Selection } from './select'
import { findTargets } from './targets'
import { UserReader } from './users'

/** What an unload would do. Changes nothing. */
export async function plan(kernel: Kernel, names: unknown, options?: unknown): Promise<UnloadPlan> {
  const asked = checkTargets(names)
  return (await makePlan(kernel, asked, planOptions(checkUnloadOptions(options)))).plan
}

export interface Planned {
  plan: UnloadPlan
  /** For the next plan of the same call. */
  progress: Progress
}

/**
 * `progress`: what earlier plans of the same call have found, and what their execution has changed.
 * `users`: the answers of lib/explain that plans of the same call share.
 */
export async function makePlan(
  kernel: Kernel,
  names: readonly string[],
  options: AppliedPlanOptions,
  progress: Progress = NO_PROGRESS,
  users = new UserReader(kernel),
): Promise<Planned> {
  if (options.force && (await kernel.facts()).kernel.forceUnload === false) {
    throw refusalError(NO_FORCE)
  }
  const asked = progress.targets ?? names
  const reader = new PolicyReader(kernel)
  // Reading the effects takes longest, so it begins first. A plan with a guard needs them for every
  // removal.
  const early = options.guard === 'off' || asked.length === 0 ? null : readEffects(kernel)
  early?.catch(() => undefined) // avoids an unhandled rejection if it is not awaited below
  const [table] = await Promise.all([
    kernel.table(),
    // Most plans need only these policies.
    reader.read(asked.filter(isName).map(normalize)),
  ])
  const graph = new Graph(table)
  const targets = await findTargets(kernel, asked, graph, options, progress.accepted)

  const { stuck } = callsOn(kernel)
  let readings: Readings = {
    graph,
    policies: reader.policies,
    explanations: users.explanations,
    effects: new Map(),
    drivers: new Set(),
    stuck,
    releases: NO_RELEASES,
  }
  const unreadable = [...targets.unreadable]
  let selection = await selectAll(readings, reader, targets.names, options, progress)
  // A dependency is removed only if this has no effects, also if `guard` is 'off'.
  const required = requiredRemovals(readings, targets.names, options)
  const hasDependencies =
    selection.removals.size > required.size || selection.unexplained.length > 0
  if (selection.removals.size > 0 && (options.guard !== 'off' || hasDependencies)) {
    const found = await (early ?? readEffects(kernel))
    readings = { ...readings, effects: found.effects, drivers: found.drivers }
    unreadable.push(...found.unreadable)
    selection = await selectAll(readings, reader, targets.names, options, progress)
  }
  for (;;) {
    const rows = [...rowsInUse(required.keys(), readings, options), ...selection.unexplained]
    if (rows.length === 0) break
    const hasNewAnswers = await users.read(rows)
    if (!hasNewAnswers) {
      for (const { name } of rows) unreadable.push(...users.explanations.get(name)!.unreadable)
      break
    }
    selection = await selectAll(readings, reader, targets.names, options, progress)
  }
  if (options.release.length > 0 && required.size > 0) {
    const before = await kernel.snapshot({ users: true })
    const names = new Set(required.keys())
    const processes = await usersOfMounts(kernel, before, options)
    const releases = await planReleases(kernel, table, names, before, processes, options)
    readings = { ...readings, releases }
    unreadable.push(...before.unreadable)
  }
  unreadable.push(...reader.unreadable)
  const { removals, kept } = selection
  const { names: inOrder, inCircles } = order(readings, removals)
  const blockers = [
    ...targets.blockers,
    ...findBlockers(readings, targets.names, removals, inCircles, options),
  ]
  const plan: UnloadPlan = {
    targets: targets.names,
    absent: targets.absent,
    steps: [
      ...readings.releases.steps,
      ...inOrder.map((name) => stepOf(name, removals, readings, options)),
    ],
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
  const accepted = targets.names.filter((name) => graph.has(name) || plan.absent.includes(name))
  return {
    plan,
    progress: {
      ...progress,
      targets: targets.names,
      accepted: new Set([...progress.accepted, ...accepted]),
      dependencies: new Map([...progress.dependencies, ...selection.dependencies]),
    },
  }
}

/**
 * Selects the removals and reads their policies. The policies can change the selection, so this is
 * repeated until there are no more policies to read.
 */
async function selectAll(
  readings: Readings,
  reader: PolicyReader,
  targets: readonly string[],
  options: AppliedPlanOptions,
  progress: Progress,
): Promise<Selection> {
  for (;;) {
    const selection = select(readings, targets, options, progress)
    const names = [...selection.removals.keys(), ...selection.unexplained.map(({ name }) => name)]
    if (!(await reader.read(names))) return selection
  }
}

/** The targets and holders with references, which block the plan or are undecided. */
function rowsInUse(
  required: Iterable<string>,
  { graph }: Pick<Readings, 'graph'>,
  { force }: AppliedPlanOptions,
): LoadedModule[] {
  if (force) return []
  return [...required]
    .map((name) => graph.row(name)!)
    .filter((row) => row.state === 'live' && (referencesOf(row) ?? 0) > 0)
}

function stepOf(
  module: string,
  removals: RemovalSet,
  readings: Readings,
  { commands, force }: AppliedPlanOptions,
): UnloadStep {
  const reason = removals.get(module)!
  const shell = readings.policies.get(module)?.removeCommand ?? null
  if (shell !== null && commands === 'run') return { action: 'run', module, reason, shell }
  const isForced = force && (reason === 'target' || reason === 'holder')
  const undecided = isForced
    ? 0
    : undecidedReferences(readings.graph.row(module)!, readings, removals)
  return { action: 'remove', module, reason, ...(undecided > 0 && { undecided }) }
}
