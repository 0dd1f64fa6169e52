/** Carries a plan out, step by step. Before each step it compares the module with the plan. */
import { DEFAULT_HUNG_AFTER } from '../change/change'
import { abortedError } from '../change/waiting'
import { isKmodError, type KmodError } from '../contract/errors'
import type { Blocker, Kept, UnloadEvent, UnloadPlan, UnloadStep } from '../contract/types'
import type { Progress } from '../plan/progress'
import { BlockerWait } from './blocker-wait'
import type { Call } from './call'
import { Callbacks } from './callbacks'
import { RunningPlan } from './running-plan'
import { isForced, isRequired, removeModule, runRemoveCommand, type StepOutcome } from './step'

/** Why a dependency is kept that the kernel did not remove. */
const KEPT_REASONS: Partial<Record<Blocker['code'], Kept['reason']>> = {
  ERR_KMOD_HELD: 'held',
  ERR_KMOD_IN_USE: 'in-use',
  ERR_KMOD_TRANSIENT: 'transient',
}

export class Execution {
  readonly #plan: RunningPlan
  readonly #callbacks: Callbacks
  readonly #blockerWait: BlockerWait
  /** Steps whose start the caller was told of. */
  readonly #started = new Set<string>()
  #stepsDone = 0

  constructor(
    private readonly call: Call,
    plan: UnloadPlan,
    progress: Progress,
  ) {
    this.#plan = new RunningPlan(call, plan, progress)
    this.#callbacks = new Callbacks(call.options, call.place)
    this.#blockerWait = new BlockerWait(call, this.#callbacks)
  }

  /** With the steps that are left. */
  get plan(): UnloadPlan {
    return this.#plan.plan
  }

  /** Resolves when no step is left. */
  async run(): Promise<void> {
    await this.#plan.adopt()
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
    draft.begin(step)
    if (!this.#started.has(step.module)) {
      this.#started.add(step.module)
      await this.#report(step, 'start')
    }
    switch (await this.#plan.compare(step)) {
      case 'changed':
        return this.#plan.renew()
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
    return step.action === 'remove'
      ? removeModule(kernel, module, isForced(step, planOptions), { hungAfter })
      : runRemoveCommand(kernel, module, step.shell, { hungAfter, signal })
  }

  async #afterRemoval(step: UnloadStep, outcome: 'removed' | 'absent'): Promise<void> {
    const { draft } = this.call
    if (outcome === 'removed') draft.markRemoved(step.module)
    else draft.markAbsent(step.module)
    draft.end(step)
    this.#plan.drop(step)
    this.#started.delete(step.module)
    this.#blockerWait.restart()
    const index = this.#stepsDone++
    await this.#report(step, 'done', { index })
  }

  async #afterBlocked(step: UnloadStep, blocker: Blocker): Promise<void> {
    if (!isRequired(step)) {
      this.#plan.giveUp(step, KEPT_REASONS[blocker.code] ?? 'in-use')
      return
    }
    const { polling } = this.call
    if (blocker.code !== 'ERR_KMOD_HELD' || polling.isOver) return this.#waitOut(blocker)
    // The holder was loaded after the plan was made. The next plan removes it, or is blocked by it.
    await polling.pause()
    await this.#plan.renew()
  }

  async #afterFailure(step: UnloadStep, error: KmodError): Promise<void> {
    const { kernel, draft } = this.call
    // A command that fails, or a helper that ends early, can have removed the module all the same.
    const isGone = (await kernel.row(step.module)) === undefined
    if (isGone) draft.markRemoved(step.module)
    if (isRequired(step) || !isKmodError(error, 'ERR_KMOD_REMOVE_COMMAND')) throw error
    if (!isGone) this.#plan.giveUp(step, 'command')
    await this.#plan.renew()
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
    await this.#plan.renew()
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
    const { steps } = this.plan
    await this.#callbacks.step({
      step,
      index: index ?? this.#stepsDone + Math.max(0, steps.indexOf(step)),
      total: this.#stepsDone + steps.length,
      state,
      ...(blocker && { blocker }),
    })
  }
}
