/**
 * The plan of a running call: each step that is done is dropped from it, and it is computed again when
 * the system changes.
 */
import { heldBlocker, isWaitedFor, reappearedError, refusalError } from '../change/refusals'
import { isKmodError } from '../contract/errors'
import type { Blocker, Kept, LoadedModule, UnloadPlan, UnloadStep } from '../contract/types'
import type { Kernel, SysModule } from '../kernel/kernel'
import { makePlan, type Planned } from '../plan/plan'
import { withGivenUp, withoutGivenUp, type Progress } from '../plan/progress'
import { UserReader, withUsersNow } from '../plan/users'
import type { Call } from './call'
import { isAsPlanned, isForced, isRequired } from './step'
import { removes, stepKey } from './step-key'
import { takeTurn } from './turn'

/** A dependency that was kept for one of these reasons may be free when the run ends. */
const PASSING: readonly (Kept['reason'] | undefined)[] = ['held', 'in-use']

export class RunningPlan {
  readonly #identities = new Identities()
  #plan: UnloadPlan
  #progress: Progress
  /** The plan was made just now: the kernel need not be read again before its first step. */
  #isFresh = false
  /**
   * The module whose change led to the last plan. If the plan still removes it, the removal is tried:
   * the kernel decides.
   */
  #replannedFor: string | undefined

  constructor(
    private readonly call: Call,
    { plan, progress }: Planned,
    private readonly users: UserReader,
  ) {
    this.#plan = plan
    this.#progress = progress
  }

  /** With the steps that are left. */
  get plan(): UnloadPlan {
    return this.#plan
  }

  /** If the call has `wait`, the first blocker that it does not wait for comes before the others. */
  get blocker(): Blocker | undefined {
    const { blockers } = this.#plan
    const { polling, options } = this.call
    const isFinal = (one: Blocker): boolean => !isWaitedFor(one, options.waitFor)
    return (polling.timeout > 0 ? blockers.find(isFinal) : undefined) ?? blockers[0]
  }

  get nextStep(): UnloadStep | undefined {
    return this.#plan.steps[0]
  }

  /** The step that removes a module. */
  stepOf(module: string): UnloadStep | undefined {
    return this.#plan.steps.find((step) => removes(step) && step.module === module)
  }

  /** The same step in the present plan. */
  planned(step: UnloadStep): UnloadStep | undefined {
    const key = stepKey(step)
    return this.#plan.steps.find((one) => stepKey(one) === key)
  }

  /** Makes a plan the current one: its modules, as they are now, are those that it was made for. */
  async adopt(plan = this.#plan): Promise<void> {
    const { kernel, draft, options, restorer } = this.call
    if (plan.feasible) await restorer?.prepare(plan.steps.filter(removes))
    // The first step follows at once: no callback runs and no module file is read before it.
    this.#isFresh = plan.feasible && restorer === null && options.onStep === undefined
    const later = (this.#isFresh ? plan.steps.slice(1) : plan.steps).filter(removes)
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
  drop(step: UnloadStep): void {
    const key = stepKey(step)
    const { module } = step
    this.#plan = { ...this.#plan, steps: this.#plan.steps.filter((one) => stepKey(one) !== key) }
    if (!removes(step)) return
    this.#identities.forget(module)
    if (isRequired(step)) return
    // If something loads it again, it is needed.
    this.#progress = withGivenUp(this.#progress, module, 'transient')
  }

  /**
   * A dependency that cannot be removed does not fail the call: it is kept, and not tried again
   * before the end of the run.
   */
  giveUp(step: UnloadStep, reason: Kept['reason']): void {
    this.drop(step)
    this.call.draft.keep(step, reason)
    this.#progress = withGivenUp(this.#progress, step.module, reason)
  }

  /**
   * Makes the plan again, and waits until no other call works on its modules. Rejects if the new plan
   * would do something that the call must not do.
   */
  async renew({ hasDeadline = true } = {}): Promise<void> {
    const { kernel, names, planOptions, draft } = this.call
    for (;;) {
      const { plan, progress } = await makePlan(
        kernel,
        names,
        planOptions,
        this.#progress,
        this.users,
      )
      this.#progress = progress
      const returned = plan.steps.find(
        (step) => removes(step) && draft.removed.includes(step.module),
      )
      if (returned?.reason === 'target') this.#refuseReturned(returned.module)
      await this.#refuseNewHolders(plan)
      // A plan that is blocked needs no turn: the call waits, or it ends.
      if (plan.feasible && !(await takeTurn(this.call, plan, { hasDeadline }))) continue
      return this.adopt(plan)
    }
  }

  /** After a callback, during which other calls may have had their turn. */
  async retakeTurn(): Promise<void> {
    while (!(await takeTurn(this.call, this.#plan))) {
      // What they have changed is found when the next step is compared with its module.
    }
  }

  /**
   * At the end of a run: plans the removal of dependencies that were kept because something used
   * them, and that nothing uses any more. Other calls and other processes that share a dependency
   * with this one do the same, so that the last one of them removes it.
   */
  async lookAgain(): Promise<void> {
    const { kernel, draft } = this.call
    const { dependencies, only } = this.#progress
    const busy = draft.kept.filter(
      (name) =>
        PASSING.includes(draft.reasonToKeep(name)) &&
        dependencies.has(name) &&
        only?.has(name) !== false,
    )
    if (busy.length === 0) return
    const isFree = ({ name, state, holders, refCount }: LoadedModule): boolean =>
      busy.includes(name) && state === 'live' && holders.length === 0 && refCount === 0
    try {
      if (!(await kernel.table()).some(isFree)) return
      this.#progress = withoutGivenUp(this.#progress, busy)
      await this.renew({ hasDeadline: false })
    } catch (error) {
      // The targets are removed. A dependency that cannot be checked, or that could not be restored,
      // is kept and does not fail the call.
      if (!isKmodError(error)) throw error
      if (isKmodError(error, 'ERR_KMOD_ABORTED', 'ERR_KMOD_REAPPEARED')) throw error
    }
  }

  /** The blocker with what uses the module, if the kernel itself refused. */
  explain(blocker: Blocker): Promise<Blocker> {
    return withUsersNow(this.call.kernel, blocker)
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

  /**
   * Rejects if the new plan removes a holder that the last one did not, unless the call has `wait`. A
   * holder that is not in a plan given by the caller is always refused.
   */
  async #refuseNewHolders(plan: UnloadPlan): Promise<void> {
    const { kernel, polling, draft } = this.call
    const { only } = this.#progress
    if (polling.timeout > 0 && only === null) return
    const known = only ?? new Set(this.#plan.steps.map(({ module }) => module))
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
 * Detects that a module was removed and loaded again since it was planned: then its folder in
 * /sys/module is a different one.
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
