/** The first stage: which modules the names and aliases stand for. */
import { meaningsOf, type Missing } from '../inspect/meaning'
import type { Kernel } from '../kernel/kernel'
import type { Blocker, PlanOptions } from '../contract/types'
import type { Graph } from './graph'

export interface Targets {
  /** Loaded or not, each once, in the order in which they were asked for. */
  names: string[]
  absent: string[]
  blockers: Blocker[]
  unreadable: string[]
}

export async function findTargets(
  kernel: Kernel,
  asked: readonly string[],
  graph: Graph,
  options: Required<PlanOptions>,
  began: ReadonlySet<string>,
): Promise<Targets> {
  // What was there and is gone is absent by now; the index may know another module by that name.
  const isSettled = (name: string): boolean => began.has(name) && !graph.has(name)
  const { meanings, unreadable } = await meaningsOf(
    kernel,
    asked.filter((name) => !isSettled(name)),
    (name) => graph.has(name),
  )
  const targets: Targets = { names: [], absent: [], blockers: [], unreadable }
  const seen = new Set<string>()
  const isNew = (name: string): boolean => !seen.has(name) && seen.add(name).has(name)
  for (const { loaded, missing } of meanings) {
    targets.names.push(...loaded.filter(isNew))
    for (const one of missing.filter(({ name }) => isNew(name))) {
      targets.names.push(one.name)
      judge(one, options, targets)
    }
  }
  for (const name of asked.filter((one) => isSettled(one) && isNew(one))) {
    targets.names.push(name)
    targets.absent.push(name)
  }
  return targets
}

/** What is not loaded is absent, or blocks. */
function judge(
  { name, status }: Missing,
  { allowUnknown, mustBeLoaded }: Required<PlanOptions>,
  targets: Targets,
): void {
  const known = status !== 'unknown' || allowUnknown
  if (status === 'builtin') {
    targets.blockers.push({
      code: 'ERR_KMOD_BUILTIN',
      module: name,
      message: `Module ${name} is compiled into the kernel: it cannot be unloaded.`,
    })
  } else if (!known) {
    targets.blockers.push({
      code: 'ERR_KMOD_NOT_FOUND',
      module: name,
      message: `There is no module or alias ${name}: it is not loaded, and the module index does not have it. Check the spelling, or allow it with allowUnknown.`,
    })
  } else if (mustBeLoaded) {
    targets.blockers.push({
      code: 'ERR_KMOD_NOT_LOADED',
      module: name,
      message: `Module ${name} is not loaded.`,
    })
  } else {
    targets.absent.push(name)
  }
}
