/** The first stage of a plan: which modules the names and aliases stand for. */
import { builtinBlocker, notLoadedBlocker } from '../change/refusals'
import type { AppliedPlanOptions, Blocker } from '../contract/types'
import { meaningsOf, type Missing } from '../inspect/meaning'
import { unknownBlocker } from '../inspect/unknown'
import type { Kernel } from '../kernel/kernel'
import type { Graph } from './graph'

export interface Targets {
  /** All targets, loaded or not, each once. */
  names: string[]
  absent: string[]
  blockers: Blocker[]
  unreadable: string[]
}

/** `accepted`: targets that an earlier plan of the same call found valid. */
export async function findTargets(
  kernel: Kernel,
  asked: readonly string[],
  graph: Graph,
  options: AppliedPlanOptions,
  accepted: ReadonlySet<string>,
): Promise<Targets> {
  const isGone = (name: string): boolean => accepted.has(name) && !graph.has(name)
  const { meanings, unreadable } = await meaningsOf(
    kernel,
    asked.filter((name) => !isGone(name)),
    (name) => graph.has(name),
  )
  const names = new Set<string>()
  const absent: string[] = []
  const blockers: Blocker[] = []
  for (const { loaded, missing } of meanings) {
    for (const name of loaded) names.add(name)
    for (const one of missing) {
      if (names.has(one.name)) continue
      names.add(one.name)
      const blocker = await missingBlocker(kernel, one, options)
      if (blocker === null) absent.push(one.name)
      else blockers.push(blocker)
    }
  }
  for (const name of asked.filter(isGone)) {
    if (names.has(name)) continue
    names.add(name)
    absent.push(name)
  }
  return { names: [...names], absent, blockers, unreadable }
}

/** The blocker for a target that is not loaded; `null`: the options accept that. */
async function missingBlocker(
  kernel: Kernel,
  { name, status }: Missing,
  { allowUnknown, mustBeLoaded }: AppliedPlanOptions,
): Promise<Blocker | null> {
  if (status === 'builtin') return builtinBlocker(name)
  if (status === 'unknown' && !allowUnknown) return unknownBlocker(kernel, name, 'unload')
  return mustBeLoaded ? notLoadedBlocker(name) : null
}
