/** The report while it is being written: whatever happens, it says what has happened so far. */
import type { Clock } from '../kernel/kernel'
import type {
  Kept,
  KernelHealth,
  KmodErrorCode,
  UnloadPlan,
  UnloadReport,
  UnloadStep,
} from '../contract/types'

type StepRecord = UnloadReport['steps'][number]

export class Draft {
  readonly removed: string[] = []
  readonly restored: string[] = []
  readonly notRestored: UnloadReport['notRestored'] = []
  readonly parametersLost: UnloadReport['parametersLost'] = []
  readonly steps: StepRecord[] = []
  readonly #absent = new Set<string>()
  readonly #kept = new Map<string, Kept['reason']>()
  readonly #reappeared = new Set<string>()
  readonly #begun = new Map<string, number>()
  failed: UnloadReport['failed'] = null

  constructor(private readonly clock: Clock) {}

  /** Takes over what a plan says about modules that do not go. */
  take({ absent, kept }: UnloadPlan): void {
    for (const name of absent) this.markAbsent(name)
    for (const { module, reason } of kept) this.keep(module, reason)
  }

  markAbsent(module: string): void {
    // A target that this call removed is not there at the next look, of course.
    if (!this.removed.includes(module)) this.#absent.add(module)
  }

  keep(module: string, reason: Kept['reason']): void {
    this.#kept.set(module, reason)
  }

  markRemoved(module: string): void {
    if (!this.removed.includes(module)) this.removed.push(module)
    this.#kept.delete(module)
    this.#absent.delete(module)
  }

  /** The modules that are kept. */
  get kept(): string[] {
    return [...this.#kept.keys()]
  }

  /** At the end: what is not there has not been kept. */
  forgetKept(isLoaded: (module: string) => boolean): void {
    for (const module of [...this.#kept.keys()]) if (!isLoaded(module)) this.#kept.delete(module)
  }

  markReappeared(module: string): void {
    this.#reappeared.add(module)
  }

  /** The record of a step, made at its first mention. */
  record(step: UnloadStep): StepRecord {
    let record = this.steps.find((one) => one.step.module === step.module)
    if (record === undefined) {
      record = { step, attempts: 0, duration: 0 }
      this.steps.push(record)
      this.#begun.set(step.module, this.clock.now())
    }
    return record
  }

  end(step: UnloadStep): void {
    const record = this.record(step)
    record.duration = this.clock.now() - this.#begun.get(step.module)!
  }

  fail(step: UnloadStep | undefined, code: KmodErrorCode): void {
    if (step === undefined) return
    this.failed = { step, code }
    if (this.#begun.has(step.module)) this.end(step)
  }

  finish(health: KernelHealth): UnloadReport {
    const reappeared = [...this.#reappeared]
    return {
      removed: this.removed,
      absent: [...this.#absent],
      kept: [...this.#kept].map(([module, reason]) => ({ module, reason })),
      reappeared,
      steps: this.steps,
      failed: this.failed,
      restored: this.restored,
      notRestored: this.notRestored,
      parametersLost: this.parametersLost,
      ...health,
      clean: reappeared.length > 0 ? false : health.clean,
    }
  }
}
