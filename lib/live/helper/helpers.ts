/** The helper programs of one kernel object, each started at the first question to its role. */
import type { ModuleEvent, ReferenceEvent } from '../../contract/types'
import type { SleepOptions } from '../../kernel/kernel'
import { HelperClient } from './client'
import { KernelEvents } from './events'
import { Questions } from './questions'
import type { HelperStream } from './stream'
import { traceReferences } from './trace'
import { HelperUseCount } from './uses'
import { watchModules } from './watch'

/** A trace, a watch or a count. */
interface Source {
  close(limit: number): Promise<void>
  /** Resolves when it is over, whatever has ended it. */
  readonly ended: Promise<void>
}

/**
 * Each kernel object has its own, so that a question that hangs delays only those of the same object. If
 * an object is collected as garbage without close(), its helpers end.
 */
export class Helpers {
  readonly queries: Questions
  readonly files: Questions
  readonly survey: Questions
  readonly changes = new HelperClient('changes')
  readonly events: KernelEvents
  /** Each has a helper of its own. */
  readonly #sources = new Set<Source>()

  /** `timeout`: milliseconds that the system may take to answer one question. */
  constructor(readonly timeout: number) {
    this.queries = new Questions('queries', timeout, {
      code: 'ERR_KMOD_FORMAT',
      why: 'the helper program ended while it used libkmod, which ends its process on some damaged files.',
    })
    this.files = new Questions('files', timeout, {
      code: 'ERR_KMOD_SYSTEM',
      why: 'the helper program that reads files ended before it answered. Try again.',
    })
    this.survey = new Questions('survey', timeout, {
      code: 'ERR_KMOD_SYSTEM',
      why: 'the helper program that reads the state of the system ended before it answered. Try again.',
    })
    this.events = new KernelEvents(timeout)
    collected.register(this, { clients: this.#clients, timeout })
  }

  trace(module: string): HelperStream<ReferenceEvent> {
    return this.#keep(traceReferences(module, this.timeout))
  }

  /** Throws a KmodError if the modules cannot be watched. */
  watchModules(options?: SleepOptions): HelperStream<ModuleEvent> {
    return this.#keep(watchModules(this.timeout, options))
  }

  countUses(): HelperUseCount {
    return this.#keep(new HelperUseCount(this.timeout))
  }

  #keep<T extends Source>(source: T): T {
    this.#sources.add(source)
    void source.ended.then(() => this.#sources.delete(source))
    return source
  }

  /**
   * Ends all helpers. What waits for an answer of them rejects. A helper that has not ended after `limit`
   * milliseconds is killed.
   */
  async close(limit: number): Promise<void> {
    // The sockets do not keep the process alive until the helpers have ended.
    const keepAlive = setTimeout(() => undefined, limit)
    await Promise.all([
      ...[...this.#sources].map((source) => source.close(limit)),
      this.events.close(limit),
      ...this.#clients.map((client) => client.close(limit)),
    ])
    clearTimeout(keepAlive)
  }

  get #clients(): HelperClient[] {
    return [this.queries.client, this.files.client, this.survey.client, this.changes]
  }
}

/** Sockets of running helpers are referenced by libuv: only this ends the helpers of a lost object. */
const collected = new FinalizationRegistry<{ clients: HelperClient[]; timeout: number }>(
  ({ clients, timeout }) => {
    for (const client of clients) void client.close(timeout)
  },
)
