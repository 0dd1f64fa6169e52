/** What a call does about a blocker: it waits if that can help, else it fails. */
import { isWaitedFor, refusalError, timeoutError } from '../change/refusals'
import type { KmodError } from '../contract/errors'
import type { Blocker, User } from '../contract/types'
import { summarize, usersOf } from '../explain/users'
import { withUsersNow } from '../plan/users'
import type { Kernel } from '../kernel/kernel'
import type { Call } from './call'

export class BlockerWait {
  /** The last blocker that was reported, as JSON; null after a removal. */
  #reported: string | null = null

  constructor(private readonly call: Call) {}

  /** Must be called after a removal. */
  restart(): void {
    this.#reported = null
    this.call.polling.restart()
  }

  /**
   * Resolves when the call should try again. Rejects if waiting cannot help, or the time is over.
   * `report` is called for the first blocker and for each that differs from the one before.
   */
  async wait(blocker: Blocker, report: () => Promise<void>): Promise<void> {
    const { kernel, polling, place, options, callbacks } = this.call
    if (polling.timeout === 0 || !isWaitedFor(blocker, options.waitFor)) throw refusalError(blocker)
    // The first blocker is reported even if the time was over before it was found.
    if (polling.isOver && this.#reported !== null) throw await this.#timeUp(blocker)
    // Other calls do not wait for one that waits.
    place.rest()
    const fields = figuresOf(blocker)
    if (fields === this.#reported) return polling.pause()
    this.#reported = fields
    await report()
    if (!callbacks.wantsBlockers) return polling.pause()
    const users = await usersOfBlocked(kernel, blocker)
    await callbacks.blocked(blocker, users, () => this.#timeUp(blocker))
    // The callback may have released the module.
    polling.restart()
  }

  async #timeUp(blocker: Blocker): Promise<KmodError> {
    const { kernel, polling } = this.call
    const now = await withUsersNow(kernel, blocker)
    const users = await usersOfBlocked(kernel, now)
    const error = timeoutError(polling.timeout, now, { users })
    // The message for a module in use names the users already.
    if (now.code !== 'ERR_KMOD_IN_USE') error.message += summarize(users)
    return error
  }
}

/** A blocker is reported again if this changes. The message is made from the rest. */
function figuresOf(blocker: Blocker): string {
  return JSON.stringify({ ...blocker, message: '', users: [] })
}

async function usersOfBlocked(kernel: Kernel, blocker: Blocker): Promise<User[]> {
  if (blocker.code === 'ERR_KMOD_IN_USE') return blocker.users
  const row = await kernel.row(blocker.module)
  return row === undefined ? [] : (await usersOf(kernel, [row])).users[0]!
}
