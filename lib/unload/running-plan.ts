/**
 * The plan of a running call: it loses each step that is done, and is made again when the system
 * changes.
 */
import { heldBlocker, reappearedError, refusalError } from '../change/refusals'
import type { Blocker, Kept, UnloadPlan, UnloadStep } from '../contract/types'
import type { Kernel, SysModule } from '../kernel/kernel'
import { makePlan } from '../plan/plan'
import { withGivenUp, withRemaining, type Progress } from '../plan/progress'
import type { Call } from './call'
import { isAsPlanned, isForced, isRequired } from './step'

export class RunningPlan {
  readonly #identities = new Identities()
  #plan: UnloadPlan
  #progress: Progress
  /** The plan was made just now: its first step needs no look at the kernel. */
  #isFresh = false
  /**
   * The module whose change led to the last plan. If the plan still removes it, the kernel decides.
   */
  #replannedFor: string | undefined

  constructor(
    private readonly call: Call,
    plan: UnloadPlan,
    progress: Progress,
  ) {
    this.#plan = plan
    this.#progress = progress
  }

  /** With the steps that are left. */
  get plan(): UnloadPlan {
    return this.#plan
  }

  get blocker(): Blocker | undefined {
    return this.#plan.blockers[0]
  }

  get nextStep(): UnloadStep | undefined {
    return this.#plan.steps[0]
  }

  stepOf(module: string): UnloadStep | undefined {
    return this.#plan.steps.find((step) => step.module === module)
  }

  /** Takes the modules of the plan as they are now for what the plan was made for. */
  async adopt(plan = this.#plan): Promise<void> {
    const { kernel, draft, options, restorer } = this.call
    if (plan.feasible) await restorer?.prepare(plan.steps)
    // The first step follows at once: no callback and no reading of module files comes between.
    this.#isFresh = plan.feasible && restorer === null && options.onStep === undefined
    const later = this.#isFresh ? plan.steps.slice(1) : plan.steps
    await this.#identities.remember(
      kernel,
      later.map(({ module }) => module),
    )
    draft.take(plan)
    this.#plan = plan
  }

  /**
   * Compares the module of a step with what the plan was made for. Rejects if a target was loaded
   * again.
   */
  async compare(step: UnloadStep): Promise<'as-planned' | 'absent' | 'changed'> {
    if (this.#isFresh) {
      this.#isFresh = false
      return 'as-planned'
    }
    const { kernel, planOptions } = this.call
    const { module } = step
    const [row, [sys]] = await Promise.all([kernel.row(module), kernel.sysModules([module])])
    if (row === undefined) return 'absent'
    if (this.#identities.hasChanged(module, sys)) this.#acceptReturned(step)
    else if (this.#replannedFor === module) return 'as-planned'
    else if (isAsPlanned(row, step, isForced(step, planOptions))) return 'as-planned'
    this.#replannedFor = module
    return 'changed'
  }

  /** The step is done. */
  drop({ module }: UnloadStep): void {
    this.#plan = { ...this.#plan, steps: this.#plan.steps.filter((one) => one.module !== module) }
    this.#identities.forget(module)
  }

  /**
   * A dependency that cannot be removed does not fail the call: it is kept, and not tried again.
   */
  giveUp(step: UnloadStep, reason: Kept['reason']): void {
    this.call.draft.keep(step, reason)
    this.#progress = withGivenUp(this.#progress, step.module, reason)
    this.drop(step)
  }

  /** Makes the plan again. Rejects if the new one has what the call must not do. */
  async renew(): Promise<void> {
    const { kernel, names, planOptions, draft } = this.call
    this.#progress = withRemaining(this.#progress, this.#plan)
    const plan = await makePlan(kernel, names, planOptions, this.#progress)
    const returned = plan.steps.find(({ module }) => draft.removed.includes(module))
    if (returned?.reason === 'target') this.#refuseReturned(returned.module)
    await this.#refuseNewHolders(plan)
    await this.adopt(plan)
  }

  /**
   * A module that was removed and loaded again is not the one that was planned for. A target ends
   * the call; a holder is planned again; a dependency is kept, because something else needs it now.
   */
  #acceptReturned(step: UnloadStep): void {
    const { module, reason } = step
    if (reason === 'target') this.#refuseReturned(module)
    this.#identities.forget(module)
    if (reason === 'holder') return
    this.call.draft.markReappeared(module)
    this.giveUp(step, 'transient')
  }

  #refuseReturned(module: string): never {
    this.call.draft.markReappeared(module)
    throw reappearedError(module)
  }

  /** Without `wait`, a holder that was not in the plan is not removed. */
  async #refuseNewHolders(plan: UnloadPlan): Promise<void> {
    const { kernel, polling, draft } = this.call
    if (polling.timeout > 0) return
    const known = new Set(this.#plan.steps.map(({ module }) => module))
    const added = plan.steps
      .filter(({ module, reason }) => reason === 'holder' && !known.has(module))
      .map(({ module }) => module)
    if (added.length === 0) return
    for (const step of this.#plan.steps.filter(isRequired)) {
      const row = await kernel.row(step.module)
      const holders = row?.holders.filter((name) => added.includes(name)) ?? []
      if (holders.length === 0) continue
      draft.current = step
      throw refusalError(heldBlocker(step.module, holders))
    }
  }
}

/**
 * Tells whether a module was removed and loaded again since it was planned: then its folder in
 * /sys/module is another one.
 */
class Identities {
  readonly #planned = new Map<string, string>()

  /** Remembers the modules as they are now, except those that it knows. */
  async remember(kernel: Kernel, modules: readonly string[]): Promise<void> {
    const unknown = modules.filter((module) => !this.#planned.has(module))
    if (unknown.length === 0) return
    const found = await kernel.sysModules(unknown)
    unknown.forEach((module, i) => this.#planned.set(module, found[i]!.identity))
  }

  forget(module: string): void {
    this.#planned.delete(module)
  }

  hasChanged(module: string, now: SysModule | undefined): boolean {
    const planned = this.#planned.get(module) ?? ''
    const identity = now?.identity ?? ''
    // No folder: the module is being removed.
    return planned !== '' && identity !== '' && planned !== identity
  }
}
