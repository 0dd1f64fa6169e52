/** Carries a plan out, step by step. Before each step it compares the module with the plan. */
import { DEFAULT_HUNG_AFTER } from '../change/change'
import { abortedError } from '../change/waiting'
import { isKmodError, type KmodError } from '../contract/errors'
import type { Blocker, Kept, UnloadEvent, UnloadPlan, UnloadStep } from '../contract/types'
import type { Planned } from '../plan/plan'
import type { UserReader } from '../plan/users'
import { BlockerWait } from './blocker-wait'
import type { Call } from './call'
import { RunningPlan } from './running-plan'
import { isGone, release, returningError, type ReleaseStep } from '../release/release'
import { isForced, isRequired, removeModule, runRemoveCommand, type StepOutcome } from './step'
import { stepKey } from './step-key'

/** Why a dependency is kept after the kernel refused to remove it. */
const KEPT_REASONS: Partial<Record<Blocker['code'], Kept['reason']>> = {
  ERR_KMOD_HELD: 'held',
  ERR_KMOD_IN_USE: 'in-use',
  ERR_KMOD_TRANSIENT: 'transient',
}

/**
 * How often the plan that is made after the releases may have releases again: a user that appears
 * meanwhile is released too, but something may start a new one each time.
 */
const MOST_RELEASE_ROUNDS = 5

export class Execution {
  readonly #plan: RunningPlan
  readonly #blockerWait: BlockerWait
  /** The plan as it was when the first step began. */
  #begun: UnloadPlan | undefined
  /** Steps whose start was reported to the caller, but not yet their end. */
  readonly #started = new Map<string, UnloadStep>()
  #stepsDone = 0
  #releaseRounds = 0

  constructor(
    private readonly call: Call,
    planned: Planned,
    users: UserReader,
  ) {
    this.#plan = new RunningPlan(call, planned, users)
    this.#blockerWait = new BlockerWait(call)
  }

  /** The plan as it was when the first step began; before that, the latest plan. */
  get plan(): UnloadPlan {
    return this.#begun ?? this.#plan.plan
  }

  /** How many steps have ended. */
  get stepsDone(): number {
    return this.#stepsDone
  }

  /** Resolves when no step is left, and no dependency has become free since it was kept. */
  async run(): Promise<void> {
    const { draft } = this.call
    await this.#plan.adopt()
    await this.#runSteps()
    for (let before = 0; draft.removed.length > before;) {
      before = draft.removed.length
      await this.#plan.lookAgain()
      await this.#runSteps()
    }
  }

  async #runSteps(): Promise<void> {
    for (;;) {
      const { blocker, nextStep } = this.#plan
      if (blocker !== undefined) await this.#waitOut(blocker)
      else if (nextStep !== undefined) await this.#carryOut(nextStep)
      else return
    }
  }

  async #carryOut(step: UnloadStep): Promise<void> {
    const { draft } = this.call
    draft.current = step
    this.#throwIfAborted()
    this.#begun ??= this.#plan.plan
    draft.begin(step)
    if (!this.#started.has(stepKey(step))) {
      this.#started.set(stepKey(step), step)
      await this.#report(step, 'start')
      this.#throwIfAborted()
    }
    if (step.action === 'release') return this.#release(step)
    switch (await this.#plan.compare(step)) {
      case 'changed':
        return this.#renew()
      case 'absent':
        return this.#afterRemoval(step, 'absent')
      case 'as-planned':
    }
    const end = await this.#attempt(step)
    switch (end.outcome) {
      case 'blocked':
        return this.#afterBlocked(step, end.blocker)
      case 'failed':
        return this.#afterFailure(step, end.error)
      default:
        return this.#afterRemoval(step, end.outcome)
    }
  }

  async #attempt(step: UnloadStep): Promise<StepOutcome> {
    const { kernel, draft, planOptions, restorer } = this.call
    const { hungAfter = DEFAULT_HUNG_AFTER, signal } = this.call.options
    const { module } = step
    await restorer?.remember(module)
    draft.countAttempt(step)
    return step.action === 'run'
      ? runRemoveCommand(kernel, module, step.shell, { hungAfter, signal })
      : removeModule(kernel, module, isForced(step, planOptions), { hungAfter })
  }

  async #release(step: ReleaseStep): Promise<void> {
    const { kernel, draft } = this.call
    // An earlier release may have taken it along, as that of one end of a veth pair does.
    const wasThere = !(await isGone(kernel, step.user))
    if (wasThere) await this.#releaseUser(step)
    draft.end(step)
    this.#plan.drop(step)
    await this.#reportDone(step)
    // The plan was made for a system with this user.
    if (this.#plan.nextStep?.action === 'release') return
    await this.#renew()
    const [next] = this.#plan.plan.steps
    if (next?.action !== 'release') return
    this.#releaseRounds++
    if (this.#releaseRounds >= MOST_RELEASE_ROUNDS) throw returningError(next)
  }

  async #releaseUser(step: ReleaseStep): Promise<void> {
    const { kernel, draft, options } = this.call
    const { hungAfter = DEFAULT_HUNG_AFTER, signal } = options
    draft.countAttempt(step)
    try {
      await release(kernel, step, { hungAfter, signal })
    } finally {
      // Also after a failure or an abort: a user that has gone must be put back.
      if (await isGone(kernel, step.user)) {
        draft.released.push({ user: step.user, command: step.command, undone: false })
        this.call.undoer.add(step)
      }
    }
  }

  async #afterRemoval(step: UnloadStep, outcome: 'removed' | 'absent'): Promise<void> {
    this.call.draft.end(step, outcome === 'absent' ? 'absent' : 'done')
    this.#plan.drop(step)
    this.#blockerWait.restart()
    await this.#reportDone(step)
  }

  async #afterBlocked(step: UnloadStep, refusal: Blocker): Promise<void> {
    if (!isRequired(step)) {
      this.#plan.giveUp(step, KEPT_REASONS[refusal.code] ?? 'in-use')
      return this.#reportEnds()
    }
    const { polling, place } = this.call
    if (refusal.code !== 'ERR_KMOD_HELD' || polling.isOver) {
      return this.#waitOut(await this.#plan.explain(refusal))
    }
    // The holder was loaded after the plan was made. The next plan removes it, or is blocked by it.
    place.rest()
    await polling.pause()
    await this.#renew()
  }

  async #afterFailure(step: UnloadStep, error: KmodError): Promise<void> {
    const { kernel, draft } = this.call
    // A command that fails, or a helper that ends early, may have removed the module before.
    const isUnloaded = (await kernel.row(step.module)) === undefined
    if (isUnloaded) draft.markRemoved(step.module)
    if (isRequired(step) || !isKmodError(error, 'ERR_KMOD_REMOVE_COMMAND')) throw error
    if (!isUnloaded) this.#plan.giveUp(step, 'command')
    await this.#renew()
  }

  async #waitOut(blocker: Blocker): Promise<void> {
    const { module } = blocker
    const planned = this.#plan.stepOf(module)
    this.call.draft.current = planned
    this.#throwIfAborted()
    // A target that is not loaded has no step.
    const step = planned ?? { action: 'remove', module, reason: 'target' }
    await this.#blockerWait.wait(blocker, () => this.#report(step, 'waiting', { blocker }))
    this.#throwIfAborted()
    await this.#renew()
  }

  async #renew(): Promise<void> {
    await this.#plan.renew()
    await this.#reportEnds()
  }

  /** Reports the end of each step that was started and is not in the plan any more. */
  async #reportEnds(): Promise<void> {
    const { draft } = this.call
    for (const step of [...this.#started.values()]) {
      if (this.#plan.planned(step) !== undefined) continue
      const reason = draft.reasonToKeep(step.module)
      if (reason === undefined) {
        draft.end(step, draft.removed.includes(step.module) ? 'done' : 'absent')
        await this.#reportDone(step)
      } else {
        draft.keep(step, reason)
        this.#started.delete(stepKey(step))
        await this.#report(step, 'kept')
      }
    }
  }

  async #reportDone(step: UnloadStep): Promise<void> {
    this.#started.delete(stepKey(step))
    const index = this.#stepsDone++
    await this.#report(step, 'done', { index })
  }

  #throwIfAborted(): void {
    const { signal } = this.call.options
    if (!signal?.aborted) return
    throw abortedError(signal, 'The unload was aborted. The report lists what was removed before.')
  }

  async #report(
    step: UnloadStep,
    state: UnloadEvent['state'],
    { blocker, index }: { blocker?: Blocker; index?: number } = {},
  ): Promise<void> {
    const { steps } = this.#plan.plan
    const left = this.#plan.planned(step)
    const position = left === undefined ? 0 : steps.indexOf(left)
    const hasRested = await this.call.callbacks.step({
      step,
      index: index ?? this.#stepsDone + position,
      total: this.#stepsDone + steps.length,
      state,
      ...(blocker && { blocker }),
    })
    // After 'waiting' the call plans again, and takes its turn then.
    if (hasRested && state !== 'waiting') await this.#plan.retakeTurn()
  }
}
