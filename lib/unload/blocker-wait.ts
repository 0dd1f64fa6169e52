/** What a call does about a blocker: it waits if that can help, else it fails. */
import { canPass, refusalError, timeoutError } from '../change/refusals'
import type { KmodError } from '../contract/errors'
import type { Blocker, User } from '../contract/types'
import { summarize, usersOf } from '../explain/users'
import { withUsersNow } from '../plan/users'
import type { Kernel } from '../kernel/kernel'
import type { Call } from './call'
import type { Callbacks } from './callbacks'

export class BlockerWait {
  /** The last blocker that was reported, as JSON; null after progress. */
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
    const { kernel, polling, place } = this.call
    if (!canPass(blocker) || polling.timeout === 0) throw refusalError(blocker)
    // The caller is told of the first blocker even if it took all the time to find it.
    if (polling.isOver && this.#reported !== null) throw await this.#timeUp(blocker)
    // Other calls do not wait for one that waits.
    place.rest()
    const fields = figuresOf(blocker)
    if (fields === this.#reported) return polling.pause()
    this.#reported = fields
    await report()
    if (!this.callbacks.wantsBlockers) return polling.pause()
    const users = await usersOfBlocked(kernel, blocker)
    await this.callbacks.blocked(blocker, users, () => this.#timeUp(blocker))
    // The callback may have released the module.
    polling.restart()
  }

  async #timeUp(blocker: Blocker): Promise<KmodError> {
    const { kernel, polling } = this.call
    const now = await withUsersNow(kernel, blocker)
    const users = await usersOfBlocked(kernel, now)
    const error = timeoutError(polling.timeout, now, { users })
    // The message of a module in use has it already.
    if (now.code !== 'ERR_KMOD_IN_USE') error.message += summarize(users)
    return error
  }
}

/** What the caller is told of again when it changes: not the message, which is made from the rest. */
function figuresOf(blocker: Blocker): string {
  return JSON.stringify({ ...blocker, message: '', users: [] })
}

async function usersOfBlocked(kernel: Kernel, blocker: Blocker): Promise<User[]> {
  if (blocker.code === 'ERR_KMOD_IN_USE') return blocker.users
  const row = await kernel.row(blocker.module)
  return row === undefined ? [] : (await usersOf(kernel, [row])).users[0]!
}
