/** The fourth stage: what stands in the way. */
import {
  commandBlocker,
  criticalBlocker,
  heldBlocker,
  inUseBlocker,
  leavingBlocker,
  permanentBlocker,
  transientBlocker,
} from '../change/blocker'
import type { Blocker, Effect, LoadedModule, PlanOptions } from '../contract/types'
import { demanded, type Selection } from './select'
import { referencesOf } from '../kernel/table'
import type { World } from './world'

/** Waiting cures the last two. */
const LAST = ['ERR_KMOD_HELD', 'ERR_KMOD_IN_USE', 'ERR_KMOD_TRANSIENT']

/** First what no waiting cures, then held, in use, transient. */
export function sortBlockers(blockers: readonly Blocker[]): Blocker[] {
  return [...blockers].sort((a, b) => LAST.indexOf(a.code) - LAST.indexOf(b.code))
}

/** What blocks the targets and holders; dependencies never do. */
export function findBlockers(
  world: World,
  targets: readonly string[],
  { goes }: Selection,
  options: Required<PlanOptions>,
): Blocker[] {
  const blockers: Blocker[] = []
  for (const name of demanded(world, targets, options).keys()) {
    const row = world.graph.row(name)!
    const command = world.policies.get(name)?.removeCommand ?? null
    const runs = command !== null && options.commands === 'run'
    const kernels = kernelsBlockers(row, world, goes, options.force)
      // A command that is to run is there to end what uses the module.
      .filter(({ code }) => !runs || code !== 'ERR_KMOD_IN_USE')
    blockers.push(...kernels)
    if (command !== null && options.commands === 'refuse') {
      blockers.push(commandBlocker(name, command))
    }
    // What the kernel does not let go needs no guard.
    if (kernels.length > 0) continue
    for (const effect of world.effects.get(name) ?? []) {
      if (isRefused(effect, options)) blockers.push(criticalBlocker(effect))
    }
  }
  return sortBlockers(blockers)
}

/** In the words of delete_module(2): holders, state, permanent, references. */
function kernelsBlockers(
  row: LoadedModule,
  { graph }: World,
  goes: Selection['goes'],
  force: boolean,
): Blocker[] {
  const { name: module } = row
  if (row.state !== 'live') return [transientBlocker(module, row.state)]
  const found: Blocker[] = []
  if (row.permanent && !force) found.push(permanentBlocker(module))
  const holders = row.holders.filter((holder) => graph.has(holder) && !goes.has(holder))
  if (holders.length > 0) {
    const areLeaving = holders.every((holder) => graph.row(holder)!.state === 'unloading')
    found.push(areLeaving ? leavingBlocker(module, holders) : heldBlocker(module, holders))
  }
  const references = referencesOf(row) ?? 0
  if (references > 0 && !force) {
    const leaving = row.holders.filter((holder) => goes.has(holder))
    found.push(inUseBlocker(module, references, leaving))
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
