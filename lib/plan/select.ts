/** The second stage: which modules go, and which dependencies stay and why. */
import type { Effect, Kept, LoadedModule, PlanOptions, StepReason } from '../contract/types'
import { referencesOf } from '../kernel/table'
import type { World } from './world'

export interface Selection {
  /** What goes, with its reason; not yet in order. */
  goes: Map<string, StepReason>
  kept: Kept[]
}

/** What must go for the targets to go: themselves, and their holders where those may be removed. */
export function demanded(
  { graph }: Pick<World, 'graph'>,
  targets: readonly string[],
  { holders }: Required<PlanOptions>,
): Map<string, StepReason> {
  const loaded = targets.filter((name) => graph.has(name))
  const goes = new Map<string, StepReason>(loaded.map((name) => [name, 'target']))
  if (holders === 'refuse') return goes
  for (const name of graph.reach(loaded, (one) => graph.holders(one))) {
    // A holder that the table lacks (it went between two chunks of it) is gone.
    if (!goes.has(name) && graph.has(name)) goes.set(name, 'holder')
  }
  return goes
}

/** The loaded modules that softdeps of the given ones name. */
export function softDependenciesOf(
  { graph, policies }: Pick<World, 'graph' | 'policies'>,
  names: Iterable<string>,
): Set<string> {
  const soft = new Set<string>()
  for (const name of names) {
    const { pre = [], post = [] } = policies.get(name)?.softDependencies ?? {}
    for (const one of [...pre, ...post]) if (graph.has(one)) soft.add(one)
  }
  return soft
}

/** What a plan in the middle of its execution must know of what went before. */
export interface Progress {
  /** Targets that are known to be modules: where they are not loaded, they are not looked up anew. */
  began: ReadonlySet<string>
  /** What an earlier plan would have taken along, and whose holders are gone already. */
  also: ReadonlyMap<string, StepReason>
  /** What is not to be tried again. */
  givenUp: ReadonlyMap<string, Kept['reason']>
}

export const BEGINNING: Progress = { began: new Set(), also: new Map(), givenUp: new Map() }

/**
 * The demanded modules, and with them what is harmless to take along: dependencies that nobody else
 * uses, and soft dependencies.
 */
export function select(
  world: World,
  targets: readonly string[],
  options: Required<PlanOptions>,
  { also, givenUp }: Progress = BEGINNING,
): Selection {
  const { graph } = world
  const goes = demanded(world, targets, options)
  const candidates = new Map<string, StepReason>()
  for (const [name, reason] of also) {
    if (graph.has(name) && !goes.has(name)) candidates.set(name, reason)
  }
  if (options.softDependencies) {
    for (const name of softDependenciesOf(world, goes.keys())) {
      if (!goes.has(name)) candidates.set(name, 'soft-dependency')
    }
  }
  const obstacle = (name: string): Kept['reason'] | null =>
    givenUp.get(name) ?? obstacleOf(name, candidates.get(name)!, world, options)

  /** Holders that do not go, as far as is known by now. */
  const staying = new Map<string, number>()
  const stayingHolders = (name: string): number => {
    const known = staying.get(name)
    if (known !== undefined) return known
    return graph.holders(name).filter((holder) => graph.has(holder)).length
  }
  const take = (name: string): void => {
    for (const used of graph.uses(name)) {
      staying.set(used, stayingHolders(used) - 1)
      if (goes.has(used)) continue
      if (!candidates.has(used)) candidates.set(used, 'dependency')
      takeAlong(used)
    }
  }
  const takeAlong = (name: string): void => {
    if (goes.has(name) || stayingHolders(name) > 0) return
    if (obstacle(name) !== null) return
    goes.set(name, candidates.get(name)!)
    pending.push(name)
  }
  // What is demanded is counted out first; then what is free from the start can go; and each that goes
  // may free others.
  const pending = [...goes.keys()]
  for (const name of pending.splice(0)) take(name)
  for (const name of [...candidates.keys()]) takeAlong(name)
  for (let name = pending.shift(); name !== undefined; name = pending.shift()) take(name)

  const kept: Kept[] = []
  for (const module of candidates.keys()) {
    if (goes.has(module)) continue
    const why = obstacle(module)
    const isHeld = stayingHolders(module) > 0
    kept.push({ module, reason: isHeld && why !== 'option' ? 'held' : (why ?? 'held') })
  }
  return { goes, kept }
}

/** Why a module that nobody asked for does not go, even if no module uses it. */
function obstacleOf(
  name: string,
  reason: StepReason,
  { graph, policies, effects }: World,
  options: Required<PlanOptions>,
): Exclude<Kept['reason'], 'held'> | null {
  // A soft dependency is wanted, or is no candidate.
  if (reason === 'dependency' && options.dependencies === 'keep') return 'option'
  const row: LoadedModule = graph.row(name)!
  const effect: Effect | undefined = effects.get(name)?.[0]
  const policy = policies.get(name)
  if (row.state !== 'live') return 'transient'
  if (row.permanent) return 'permanent'
  if (referencesOf(row) !== 0) return 'in-use'
  if (effect !== undefined) return 'effect'
  if (policy?.removeCommand != null && options.commands === 'refuse') return 'command'
  if (policy?.configured) return 'configured'
  return null
}
