/** Removes modules that stayed idle between two passes. lib/idle-reaper.ts is its public face. */
import { refuseReadOnly } from '../change/change'
import { isKmodError, type KmodError } from '../contract/errors'
import type { Blocker, ReapReport, Spared } from '../contract/types'
import type { Clock, Kernel } from '../kernel/kernel'
import { unload } from '../unload/unload'
import { matcher } from './globs'
import { inspectModules } from './pass'
import { Uses } from './uses'

export interface ReaperOptions {
  candidates: readonly string[]
  keep: readonly string[]
  dryRun: boolean
}

/** What happens during a pass, as it happens. */
export interface ReapListener {
  tagged(module: string): void
  spared(module: string, reason: Spared['reason']): void
  removed(module: string): void
  blocked(blocker: Blocker): void
  /** A module could not be removed for a reason that is not a blocker. The pass goes on. */
  failed(error: KmodError): void
}

/** How a reaper removes a module: nothing but the module itself, and only if that has no effect. */
const UNLOAD = {
  dependencies: 'keep',
  softDependencies: false,
  guard: 'strict',
} as const

export class Reaper {
  readonly #isCandidate: (name: string) => boolean
  readonly #isKept: (name: string) => boolean
  /** The modules that were idle at the last pass. */
  #tagged: ReadonlySet<string> = new Set()
  #uses: Uses | undefined

  constructor(
    private readonly kernel: Kernel,
    private readonly options: ReaperOptions,
    private readonly listener: ReapListener,
  ) {
    this.#isCandidate = matcher(options.candidates)
    this.#isKept = matcher(options.keep)
  }

  get clock(): Clock {
    return this.kernel.clock
  }

  /** `signal`: ends the pass after the module at which it works. */
  async pass(signal: AbortSignal): Promise<ReapReport> {
    const { kernel, listener } = this
    refuseReadOnly(kernel)
    const rows = (await kernel.table()).filter(({ name }) => this.#isCandidate(name))
    const names = rows.map(({ name }) => name)
    this.#uses ??= new Uses(kernel)
    const wasUsed = await this.#uses.sinceLastPass(names)
    const report: ReapReport = { tagged: [], spared: [], removed: [], blocked: [] }
    for (const { module, reason } of await inspectModules(kernel, rows, this.#isKept)) {
      const wasTagged = this.#tagged.has(module)
      const spared = reason ?? (wasTagged && wasUsed(module) ? 'used-since' : null)
      if (spared !== null) {
        report.spared.push({ module, reason: spared })
        listener.spared(module, spared)
      }
      if (reason === null && (!wasTagged || spared !== null)) {
        report.tagged.push(module)
        listener.tagged(module)
      } else if (reason === null && !signal.aborted) {
        await this.#remove(module, report, signal)
      }
    }
    const { removed, blocked } = report
    const isGone = new Set(this.options.dryRun ? [] : removed)
    // A module that could not be removed, or only would have been, stays tagged.
    const stillTagged = [...blocked.map(({ module }) => module), ...removed]
    this.#tagged = new Set([...report.tagged, ...stillTagged].filter((name) => !isGone.has(name)))
    await this.#uses.startAgain(names.filter((name) => !isGone.has(name)))
    return report
  }

  async close(): Promise<void> {
    await this.#uses?.close()
    this.#uses = undefined
    this.#tagged = new Set()
  }

  async #remove(module: string, report: ReapReport, signal: AbortSignal): Promise<void> {
    const { kernel, listener, options } = this
    try {
      if (!options.dryRun) await unload(kernel, module, { ...UNLOAD, signal })
      report.removed.push(module)
      listener.removed(module)
    } catch (error) {
      if (!isKmodError(error)) throw error
      if (isKmodError(error, 'ERR_KMOD_ABORTED')) return
      const blocker = blockerOf(module, error)
      if (blocker === null) {
        listener.failed(error)
      } else {
        report.blocked.push(blocker)
        listener.blocked(blocker)
      }
    }
  }
}

/** The blocker that an unload rejected with; `null`: it failed for another reason. */
function blockerOf(module: string, error: KmodError): Blocker | null {
  const { message } = error
  const planned = error.plan?.blockers[0]
  if (planned !== undefined) return planned
  if (isKmodError(error, 'ERR_KMOD_HELD')) {
    return { code: error.code, module, message, holders: error.holders }
  }
  if (isKmodError(error, 'ERR_KMOD_IN_USE')) {
    const { code, references, users = [] } = error
    return { code, module, message, references, users }
  }
  if (isKmodError(error, 'ERR_KMOD_TRANSIENT', 'ERR_KMOD_PERMANENT')) {
    return { code: error.code, module, message }
  }
  return null
}
