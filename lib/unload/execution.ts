/** A plan being carried out: step by step, each against the kernel as it is at that moment. */
import { blockerError, canPass, heldBlocker } from '../change/blocker'
import { abortedError } from '../change/change'
import { isKmodError, KmodError } from '../contract/errors'
import { summarize, usersOf } from '../explain/users'
import type { Kernel } from '../kernel/kernel'
import { makePlan } from '../plan/plan'
import type {
  Blocker,
  Kept,
  LoadedModule,
  PlanOptions,
  StepReason,
  UnloadOptions,
  UnloadPlan,
  UnloadStep,
  User,
} from '../contract/types'
import type { Turn } from '../change/queue'
import type { Draft } from './draft'
import type { Restorer } from './restore'
import { isAsPlanned, removeModule, runRemoveCommand, type StepOutcome } from './step'
import type { Waiting } from './wait'

const KEPT_REASONS: Partial<Record<Blocker['code'], Kept['reason']>> = {
  ERR_KMOD_HELD: 'held',
  ERR_KMOD_IN_USE: 'in-use',
  ERR_KMOD_TRANSIENT: 'transient',
  ERR_KMOD_PERMANENT: 'permanent',
}

export interface Call {
  kernel: Kernel
  /** Names and aliases, as they were asked for; once planned, the modules that they stand for. */
  asked: readonly string[]
  /** What the next plan must know of the ones before. */
  progress: {
    began: Set<string>
    also: ReadonlyMap<string, StepReason>
    givenUp: Map<string, Kept['reason']>
  }
  planned: Required<PlanOptions>
  options: UnloadOptions
  hungAfter: number
  waiting: Waiting
  draft: Draft
  /** With `onFailure: 'restore'`. */
  restorer: Restorer | null
}

export class Execution {
  /** Which stay in the kernel each module of the plan was in when it was planned. */
  readonly #identities = new Map<string, string>()
  readonly #started = new Set<string>()
  /** The plan is of this very moment: the kernel need not be read again for its first step. */
  #isFresh = false
  #done = 0
  #lastBlocker = ''
  /** The step that is under way or waited for. */
  current: UnloadStep | undefined

  constructor(
    private readonly call: Call,
    public plan: UnloadPlan,
    private readonly turn: Turn,
  ) {}

  async run(): Promise<void> {
    await this.#adopt(this.plan)
    let unchecked: UnloadStep | undefined
    for (;;) {
      const blocker = this.plan.blockers[0]
      if (blocker !== undefined) {
        await this.#waitOut(blocker)
        continue
      }
      const step = this.plan.steps[0]
      if (step === undefined) return
      this.current = step
      this.#hearAbort()
      const outcome = await this.#attempt(step, unchecked?.module === step.module)
      if (outcome === 'changed') {
        // The plan knows what to make of it. Should it find nothing, the kernel is to say.
        unchecked = step
        await this.#planAnew()
      } else if (outcome.outcome === 'blocked') {
        await this.#blocked(step, outcome.blocker)
      } else {
        await this.#finish(step, outcome)
      }
    }
  }

  async #attempt(step: UnloadStep, unchecked: boolean): Promise<StepOutcome | 'changed'> {
    const { kernel, planned, hungAfter, options, draft, restorer } = this.call
    const { module } = step
    const record = draft.record(step)
    if (!this.#started.has(module)) {
      this.#started.add(module)
      await this.#tell(step, 'start')
    }
    const isFresh = this.#isFresh
    this.#isFresh = false
    const demanded = step.reason === 'target' || step.reason === 'holder'
    const force = planned.force && demanded
    if (!isFresh) {
      const [row, [sys]] = await Promise.all([kernel.row(module), kernel.sysModules([module])])
      if (row === undefined) return { outcome: 'absent' }
      if (this.#hasReturned(step, sys?.identity ?? '')) return 'changed'
      if (!unchecked && !isAsPlanned(row, step, force)) return 'changed'
    }

    await restorer?.remember(module)
    record.attempts++
    const patience = { hungAfter, signal: options.signal }
    try {
      return step.action === 'remove'
        ? await removeModule(kernel, module, force, patience)
        : await runRemoveCommand(kernel, module, step.command, patience)
    } catch (error) {
      // Whatever became of the command or the helper, the module may be gone.
      const isGone = (await kernel.row(module)) === undefined
      if (isGone) draft.markRemoved(module)
      if (demanded || !isKmodError(error, 'ERR_KMOD_REMOVE_COMMAND')) throw error
      if (!isGone) this.#giveUp(step, 'command')
      return 'changed'
    }
  }

  /** A dependency that does not go: it is kept, and not tried again. */
  #giveUp(step: UnloadStep, reason: Kept['reason']): void {
    const { draft, progress } = this.call
    draft.keep(step.module, reason)
    draft.end(step)
    progress.givenUp.set(step.module, reason)
    this.#drop(step)
    this.current = undefined
  }

  /**
   * A module that went and came back while the plan ran is not the one that was planned for. As a
   * target that ends the call; a dependency is left to whoever loaded it; a holder is planned anew.
   */
  #hasReturned(step: UnloadStep, identity: string): boolean {
    const { module, reason } = step
    const planned = this.#identities.get(module)
    // '' is a module whose folder is on its way out.
    if (planned === undefined || planned === '' || identity === '' || planned === identity) {
      return false
    }
    if (reason === 'target') throw this.#returned(module)
    this.#identities.delete(module)
    if (reason !== 'holder') {
      this.call.draft.markReappeared(module)
      this.#giveUp(step, 'transient')
    }
    return true
  }

  #returned(module: string): KmodError {
    this.call.draft.markReappeared(module)
    return new KmodError(
      'ERR_KMOD_REAPPEARED',
      `Module ${module} was removed, and loaded again by somebody else while the plan ran. Find out who needs it before you try again.`,
      { module },
    )
  }

  async #finish(step: UnloadStep, { outcome }: StepOutcome): Promise<void> {
    const { draft, waiting } = this.call
    if (outcome === 'removed') draft.markRemoved(step.module)
    else draft.markAbsent(step.module)
    draft.end(step)
    this.#drop(step)
    this.#identities.delete(step.module)
    this.#started.delete(step.module)
    this.#done++
    this.#lastBlocker = ''
    waiting.startOver()
    this.current = undefined
    await this.#tell(step, 'done', undefined, this.#done - 1)
  }

  async #blocked(step: UnloadStep, blocker: Blocker): Promise<void> {
    if (step.reason === 'dependency' || step.reason === 'soft-dependency') {
      this.#giveUp(step, KEPT_REASONS[blocker.code] ?? 'in-use')
      return
    }
    const { waiting } = this.call
    if (blocker.code === 'ERR_KMOD_HELD' && !waiting.isOver) {
      // A holder that came after the table was read: the plan knows what to make of it.
      await waiting.pause()
      await this.#planAnew()
      return
    }
    await this.#waitOut(blocker)
  }

  #drop(step: UnloadStep): void {
    this.plan = { ...this.plan, steps: this.plan.steps.filter((one) => one.module !== step.module) }
  }

  /** Rejects where waiting is of no use, or over; else waits a moment and plans anew. */
  async #waitOut(blocker: Blocker): Promise<void> {
    const { waiting, options } = this.call
    const { module } = blocker
    const step =
      this.plan.steps.find((one) => one.module === module) ??
      ({ action: 'remove', module, reason: 'target' } as const)
    this.current = this.plan.steps.includes(step) ? step : undefined
    this.#hearAbort()
    if (!canPass(blocker) || waiting.allowed === 0) throw await this.#refusal(blocker)
    // The first block is always told, however long it took to find.
    if (waiting.isOver && this.#lastBlocker !== '') throw await this.#timeout(blocker)

    // The figures change with the world; the message is made of them.
    const figures = JSON.stringify({ ...blocker, message: '' })
    if (figures !== this.#lastBlocker) {
      this.#lastBlocker = figures
      await this.#tell(step, 'waiting', blocker)
      if (options.onBlocked !== undefined) {
        const { users } = await this.#usersOf(blocker)
        await this.#callBack(() => options.onBlocked?.(blocker, users))
        waiting.startOver()
      } else {
        await waiting.pause()
      }
    } else {
      await waiting.pause()
    }
    this.#hearAbort()
    await this.#planAnew()
  }

  async #planAnew(): Promise<void> {
    const { kernel, asked, planned, progress, draft } = this.call
    // What went along with something that is gone by now, no plan would find by itself.
    const also = new Map<string, StepReason>()
    for (const { module, reason } of this.plan.steps) {
      if (reason === 'dependency' || reason === 'soft-dependency') also.set(module, reason)
    }
    progress.also = also
    const plan = await makePlan(kernel, asked, planned, progress)
    const back = plan.steps.find(({ module }) => draft.removed.includes(module))
    if (back?.reason === 'target') throw this.#returned(back.module)
    await this.#refuseNewHolders(plan)
    await this.#adopt(plan)
  }

  /** Without a wait, what nobody has planned for is not removed. */
  async #refuseNewHolders(plan: UnloadPlan): Promise<void> {
    const { kernel, waiting } = this.call
    if (waiting.allowed > 0) return
    const known = new Set(this.plan.steps.map(({ module }) => module))
    const added = plan.steps
      .filter(({ module, reason }) => reason === 'holder' && !known.has(module))
      .map(({ module }) => module)
    if (added.length === 0) return
    for (const { module, reason } of this.plan.steps) {
      if (reason !== 'target' && reason !== 'holder') continue
      const holders = (await kernel.row(module))?.holders.filter((name) => added.includes(name))
      if (holders === undefined || holders.length === 0) continue
      this.current = this.plan.steps.find((step) => step.module === module)
      throw blockerError(heldBlocker(module, holders))
    }
  }

  async #adopt(plan: UnloadPlan): Promise<void> {
    const { kernel, draft, restorer } = this.call
    if (plan.feasible) await restorer?.prepare(plan.steps)
    // Neither a callback nor a look at module files comes in between.
    this.#isFresh = plan.feasible && restorer === null && this.call.options.onStep === undefined
    const later = this.#isFresh ? plan.steps.slice(1) : plan.steps
    const unknown = later.map(({ module }) => module).filter((m) => !this.#identities.has(m))
    const found = unknown.length === 0 ? [] : await kernel.sysModules(unknown)
    unknown.forEach((module, i) => this.#identities.set(module, found[i]!.identity))
    draft.take(plan)
    this.plan = plan
  }

  async #refusal(blocker: Blocker): Promise<KmodError> {
    if (blocker.code !== 'ERR_KMOD_IN_USE') return blockerError(blocker)
    const { users } = await this.#usersOf(blocker)
    const error = blockerError(blocker, { users })
    error.message += summarize(users)
    return error
  }

  async #timeout(blocker: Blocker): Promise<KmodError> {
    const { users } = await this.#usersOf(blocker)
    const cause = blocker.code === 'ERR_KMOD_IN_USE' ? { users } : {}
    return new KmodError(
      'ERR_KMOD_TIMEOUT',
      `Gave up after ${this.call.waiting.allowed} ms of waiting. ${blocker.message}${summarize(users)}`,
      { module: blocker.module, blocker, users, cause: blockerError(blocker, cause) },
    )
  }

  async #usersOf({ module }: Blocker): Promise<{ users: User[] }> {
    const row: LoadedModule | undefined = await this.call.kernel.row(module)
    return row === undefined ? { users: [] } : usersOf(this.call.kernel, row)
  }

  #hearAbort(): void {
    const { signal } = this.call.options
    if (signal?.aborted) {
      throw abortedError(signal, 'The unload was aborted. The report says what had gone by then.')
    }
  }

  async #tell(
    step: UnloadStep,
    state: 'start' | 'waiting' | 'done',
    blocker?: Blocker,
    index = this.#done + Math.max(0, this.plan.steps.indexOf(step)),
  ): Promise<void> {
    const { onStep } = this.call.options
    if (onStep === undefined) return
    const total = this.#done + this.plan.steps.length
    await this.#callBack(() => onStep({ step, index, total, state, ...(blocker && { blocker }) }))
  }

  /** Calls a function of the caller, which may throw or reject, or call us. */
  async #callBack(call: () => unknown): Promise<void> {
    try {
      await this.turn.within(call)
    } catch (cause) {
      throw new KmodError(
        'ERR_KMOD_CALLBACK',
        `A callback threw, and the unload stopped there: ${cause instanceof Error ? cause.message : String(cause)}`,
        { cause },
      )
    }
  }
}
