/** The functions that the caller gave, which may throw, reject, or call this package. */
import type { Place } from '../change/queue'
import { KmodError } from '../contract/errors'
import type { Blocker, UnloadEvent, UnloadOptions, User } from '../contract/types'

export class Callbacks {
  constructor(
    private readonly options: Pick<UnloadOptions, 'onStep' | 'onBlocked'>,
    private readonly place: Place,
  ) {}

  get wantsBlockers(): boolean {
    return this.options.onBlocked !== undefined
  }

  async step(event: UnloadEvent): Promise<void> {
    const { onStep } = this.options
    if (onStep !== undefined) await this.#run(() => onStep(event))
  }

  async blocked(blocker: Blocker, users: User[]): Promise<void> {
    const { onBlocked } = this.options
    if (onBlocked !== undefined) await this.#run(() => onBlocked(blocker, users))
  }

  async #run(callback: () => unknown): Promise<void> {
    try {
      await this.place.run(callback)
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      throw new KmodError(
        'ERR_KMOD_CALLBACK',
        `A callback of the caller threw an error, and the unload stopped there: ${reason}`,
        { cause },
      )
    }
  }
}
