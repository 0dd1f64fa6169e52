/** What a call does about a blocker: it waits if that can help, else it fails. */
import { canPass, refusalError, timeoutError } from '../change/refusals'
import type { KmodError } from '../contract/errors'
import type { Blocker, User } from '../contract/types'
import { summarize, usersOf } from '../explain/users'
import type { Kernel } from '../kernel/kernel'
import type { Call } from './call'
import type { Callbacks } from './callbacks'

export class BlockerWait {
  /** The blocker that the caller was told of last, as JSON; null after progress. */
  #reported: string | null = null

  constructor(
    private readonly call: Call,
    private readonly callbacks: Callbacks,
  ) {}

  /** To be called after a removal. */
  restart(): void {
    this.#reported = null
    this.call.polling.restart()
  }

  /**
   * Resolves when another try is worthwhile. Rejects if the blocker cannot pass, or the time is up.
   * `report` is called for the first blocker and for each that differs from the one before.
   */
  async wait(blocker: Blocker, report: () => Promise<void>): Promise<void> {
    const { kernel, polling } = this.call
    if (!canPass(blocker) || polling.timeout === 0) throw await blockedError(kernel, blocker)
    // The caller is told of the first blocker even if it took all the time to find it.
    if (polling.isOver && this.#reported !== null) {
      throw await waitedTooLong(kernel, blocker, polling.timeout)
    }
    // The message is made from the other fields.
    const fields = JSON.stringify({ ...blocker, message: '' })
    if (fields === this.#reported) return polling.pause()
    this.#reported = fields
    await report()
    if (!this.callbacks.wantsBlockers) return polling.pause()
    await this.callbacks.blocked(blocker, await usersOfBlocked(kernel, blocker))
    // The callback may have released the module.
    polling.restart()
  }
}

async function blockedError(kernel: Kernel, blocker: Blocker): Promise<KmodError> {
  if (blocker.code !== 'ERR_KMOD_IN_USE') return refusalError(blocker)
  const users = await usersOfBlocked(kernel, blocker)
  return withReleases(refusalError({ ...blocker, users }), users)
}

async function waitedTooLong(
  kernel: Kernel,
  blocker: Blocker,
  milliseconds: number,
): Promise<KmodError> {
  const users = await usersOfBlocked(kernel, blocker)
  const cause = blocker.code === 'ERR_KMOD_IN_USE' ? { users } : {}
  return withReleases(timeoutError(milliseconds, blocker, { users, cause }), users)
}

async function usersOfBlocked(kernel: Kernel, { module }: Blocker): Promise<User[]> {
  const row = await kernel.row(module)
  return row === undefined ? [] : (await usersOf(kernel, row)).users
}

/** Adds to the message how the first users let go. */
function withReleases(error: KmodError, users: readonly User[]): KmodError {
  error.message += summarize(users)
  return error
}
