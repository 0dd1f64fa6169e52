/** The class IdleReaper. */
import { EventEmitter } from 'node:events'
import { asyncDispose } from './contract/dispose'
import { isKmodError, type KmodError } from './contract/errors'
import type { Blocker, ReapReport, Spared } from './contract/types'
import { kmod as runningSystem, Kmod } from './kmod'
import type * as Verbs from './verbs'

/** Options of an {@link IdleReaper}. */
export interface IdleReaperOptions {
  /**
   * Patterns of the modules that may be removed, such as `snd_*`, with `*`, `?` and `[a-z]`. It has no
   * default.
   */
  candidates: readonly string[]
  /** Patterns of modules that are never removed. Default: none. */
  keep?: readonly string[] | undefined
  /** Milliseconds from the end of one pass to the begin of the next; default 180,000. */
  interval?: number | undefined
  /** Report what would be removed, and remove nothing. Default: false. */
  dryRun?: boolean | undefined
  /** The system; default: the running one, with its default configuration. */
  kmod?: Kmod | undefined
  /** Whether a started reaper keeps the process alive. Default: true. */
  ref?: boolean | undefined
  /** Stops the reaper. */
  signal?: AbortSignal | undefined
}

/** The events of an {@link IdleReaper}, with the arguments of their listeners. */
export interface IdleReaperEvents {
  /** The module is idle; it is removed at the next pass if it stays idle. */
  tagged: [module: string]
  spared: [module: string, reason: Spared['reason']]
  removed: [module: string]
  /** The module was idle, but could not be removed. */
  blocked: [blocker: Blocker]
  pass: [report: ReapReport]
  /**
   * A pass failed, or the removal of a module failed for a reason that is not a blocker. The reaper goes
   * on. Without a listener, it is a warning of the process.
   */
  error: [error: KmodError]
}

/** Loaded at the first use, as in kmod.ts. */
function verbs(): typeof Verbs {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- an import would load it now
  return require('./verbs') as typeof Verbs
}

/**
 * Removes modules that nobody has used for a while: one that is idle at one pass is tagged, and removed at
 * the next if it stayed idle in between. Idle means: reference count 0, no users, nothing would stop
 * working without it, it drives no present device, nothing configures it to be loaded, and nothing has used
 * it since the last pass.
 *
 * The constructor throws a TypeError for a wrong option.
 *
 * @example
 * ```js
 * import { IdleReaper } from 'node-kmod'
 *
 * const reaper = new IdleReaper({ candidates: ['nf_*', 'xt_*'], keep: ['nf_conntrack'] })
 * reaper.on('removed', (module) => console.log('removed', module))
 * reaper.start()
 * ```
 */
export class IdleReaper extends EventEmitter<IdleReaperEvents> implements AsyncDisposable {
  readonly #options: Verbs.CheckedReaperOptions
  readonly #kmod: Kmod
  /** Undefined while there is nothing that stop() would have to end. */
  #reaper: Verbs.Reaper | undefined
  #giveBack: () => void = () => undefined
  #stop: AbortController | undefined
  /** The pass that runs; the next one begins after it. */
  #running: Promise<unknown> = Promise.resolve()
  #loop: Promise<void> = Promise.resolve()

  constructor(options: IdleReaperOptions) {
    super()
    this.#options = verbs().checkReaperOptions(options)
    const { kmod = runningSystem, signal } = options
    this.#kmod = kmod
    signal?.addEventListener('abort', () => void this.stop(), { once: true })
  }

  /** Begins: a pass now, and one after each interval. Does nothing if it has begun already. */
  start(): void {
    if (this.#stop !== undefined || this.#options.signal?.aborted) return
    this.#stop = new AbortController()
    this.#loop = this.#repeat(this.#stop.signal)
  }

  /** Ends: resolves when no pass runs any more. What is tagged is forgotten. */
  async stop(): Promise<void> {
    this.#stop?.abort()
    this.#stop = undefined
    await this.#loop
    await this.#running.catch(() => undefined)
    const reaper = this.#reaper
    this.#reaper = undefined
    this.#giveBack()
    await reaper?.close()
  }

  /**
   * One pass, also without `start()`. Rejects if the modules cannot be read, with the common codes of
   * `KmodErrorCode`, and with ERR_KMOD_READ_ONLY; not because of one module.
   */
  pass(): Promise<ReapReport> {
    return this.#pass(this.#stop?.signal ?? new AbortController().signal)
  }

  /** As {@link IdleReaper.stop}; `await using` calls it. */
  async [asyncDispose](): Promise<void> {
    await this.stop()
  }

  /** After stop(), and thus after a close() of the Kmod, the next pass opens it again. */
  #open(): Verbs.Reaper {
    if (this.#reaper === undefined) {
      const { kernel, giveBack } = Kmod.lend(this.#kmod, () => this.stop())
      this.#giveBack = giveBack
      this.#reaper = new (verbs().Reaper)(kernel, this.#options, {
        tagged: (module): void => void this.emit('tagged', module),
        spared: (module, reason): void => void this.emit('spared', module, reason),
        removed: (module): void => void this.emit('removed', module),
        blocked: (blocker): void => void this.emit('blocked', blocker),
        failed: (error): void => this.#report(error),
      })
    }
    return this.#reaper
  }

  /** Passes run one after the other. */
  #pass(signal: AbortSignal): Promise<ReapReport> {
    const before = this.#running.catch(() => undefined)
    const pass = before.then(() => this.#open().pass(signal))
    this.#running = pass
    return pass.then((report) => {
      this.emit('pass', report)
      return report
    })
  }

  async #repeat(signal: AbortSignal): Promise<void> {
    const { interval, ref } = this.#options
    const { clock } = this.#open()
    while (!signal.aborted) {
      try {
        await this.#pass(signal)
      } catch (error) {
        // stop() ends the questions of a pass.
        if (!isKmodError(error, 'ERR_KMOD_ABORTED')) this.#report(error as KmodError)
      }
      await clock.sleep(interval, signal, { ref })
    }
  }

  /** An event `error` without a listener would end the process. */
  #report(error: KmodError): void {
    if (this.listenerCount('error') > 0) this.emit('error', error)
    else process.emitWarning(error)
  }
}
