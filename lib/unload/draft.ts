/** The report of a call while the call runs: at any moment it has what was done so far. */
import type {
  Effect,
  Kept,
  KernelHealth,
  UnloadPlan,
  UnloadReport,
  UnloadStep,
} from '../contract/types'
import { publishStep } from '../change/diagnostics'
import type { KmodError } from '../contract/errors'
import type { Clock } from '../kernel/kernel'
import { removes, stepKey } from './step-key'

type StepRecord = UnloadReport['steps'][number]

export class Draft {
  readonly removed: string[] = []
  readonly restored: string[] = []
  readonly notRestored: UnloadReport['notRestored'] = []
  readonly parametersLost: UnloadReport['parametersLost'] = []
  readonly released: UnloadReport['released'] = []
  /** The modules that a reload has loaded. */
  readonly loaded: string[] = []
  /** The step that runs or is waited for: if the call fails now, this is the step that failed. */
  current: UnloadStep | undefined
  readonly #steps = new Map<string, { record: StepRecord; began: number }>()
  readonly #absent = new Set<string>()
  readonly #kept = new Map<string, Kept['reason']>()
  /** What would stop working without each module, from the last plan that removes it. */
  readonly #effects = new Map<string, Effect[]>()
  readonly #reappeared = new Set<string>()
  #failed: UnloadReport['failed'] = null

  constructor(private readonly clock: Clock) {}

  /** Takes over what a plan says about the modules that it does not remove, and the effects. */
  take({ absent, kept, steps, effects }: UnloadPlan): void {
    for (const name of absent) this.markAbsent(name)
    for (const { module, reason } of kept) this.#kept.set(module, reason)
    for (const { module } of steps.filter(removes)) {
      this.#kept.delete(module)
      this.#effects.set(
        module,
        effects.filter((effect) => effect.module === module),
      )
    }
  }

  markAbsent(module: string): void {
    this.#kept.delete(module)
    // In a later plan, the targets that this call has removed are absent.
    if (!this.removed.includes(module)) this.#absent.add(module)
  }

  markRemoved(module: string): void {
    if (!this.removed.includes(module)) this.removed.push(module)
    this.#kept.delete(module)
    this.#absent.delete(module)
  }

  markReappeared(module: string): void {
    this.#reappeared.add(module)
  }

  get kept(): string[] {
    return [...this.#kept.keys()]
  }

  reasonToKeep(module: string): Kept['reason'] | undefined {
    return this.#kept.get(module)
  }

  /** A module that is not loaded at the end was not kept. */
  forgetKept(isLoaded: (module: string) => boolean): void {
    for (const module of this.kept) if (!isLoaded(module)) this.#kept.delete(module)
  }

  /** A step can begin several times; its duration counts from the first. */
  begin(step: UnloadStep): void {
    this.current = step
    const key = stepKey(step)
    if (this.#steps.has(key)) return
    const record = { step, attempts: 0, duration: 0 }
    this.#steps.set(key, { record, began: this.clock.now() })
  }

  countAttempt(step: UnloadStep): void {
    this.#steps.get(stepKey(step))!.record.attempts++
  }

  /** The step ends. `absent`: something else had removed its module. */
  end(step: UnloadStep, outcome: 'done' | 'absent' = 'done'): void {
    if (outcome === 'absent') this.markAbsent(step.module)
    else if (removes(step)) this.markRemoved(step.module)
    this.#close(step, null)
  }

  /** The step ends, and its module stays. */
  keep(step: UnloadStep, reason: Kept['reason']): void {
    this.#kept.set(step.module, reason)
    this.#close(step, null)
  }

  fail({ code, errno }: Pick<KmodError, 'code' | 'errno'>): void {
    if (this.current === undefined) return
    this.#failed = { step: this.current, code }
    this.#close(this.current, errno ?? null)
  }

  /** The step of a module that was removed, or is to be removed. */
  removalOf(module: string): UnloadStep | undefined {
    return this.#steps.get(module)?.record.step
  }

  finish(health: KernelHealth): UnloadReport {
    const reappeared = [...this.#reappeared]
    return {
      removed: this.removed,
      absent: [...this.#absent],
      kept: [...this.#kept].map(([module, reason]) => ({ module, reason })),
      reappeared,
      steps: [...this.#steps.values()].map(({ record }) => record),
      failed: this.#failed,
      released: this.released,
      restored: this.restored,
      notRestored: this.notRestored,
      parametersLost: this.parametersLost,
      effects: this.removed.flatMap((module) => this.#effects.get(module) ?? []),
      ...health,
      clean: reappeared.length > 0 ? false : health.clean,
    }
  }

  /** A step that a call only waited for has no record. */
  #close(step: UnloadStep, errno: number | null): void {
    this.current = undefined
    const found = this.#steps.get(stepKey(step))
    if (found === undefined) return
    found.record.duration = this.clock.now() - found.began
    publishStep(found.record.step, found.record.duration, errno)
  }
}
