/** Puts back the users that a call has released. */
import { isKmodError } from '../contract/errors'
import type { UnloadReport } from '../contract/types'
import type { Kernel } from '../kernel/kernel'
import { becomes, runProgram, type ReleaseStep } from './release'

/** Milliseconds within which a user must be seen after the command that puts it back. */
const APPEARS_WITHIN = 2_000

export class Undoer {
  readonly #steps: ReleaseStep[] = []

  constructor(
    private readonly kernel: Kernel,
    /** Where it is recorded what was put back, and what was not. */
    private readonly report: Pick<UnloadReport, 'released' | 'notRestored'>,
    /** Milliseconds for each command. */
    private readonly hungAfter: number,
  ) {}

  /** A user was released. */
  add(step: ReleaseStep): void {
    this.#steps.push(step)
  }

  /** The last one first. Never rejects because of a user that cannot be put back. */
  async undo(): Promise<void> {
    const { released, notRestored } = this.report
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      const { module, user } = step
      const problem = await this.#undo(step)
      const entry = released.find((one) => one.user === user)
      if (problem !== null) notRestored.push({ module, user, message: problem })
      else if (entry !== undefined) entry.undone = true
    }
  }

  /** Returns why the user was not put back; `null`: it was. */
  async #undo({ user, undo }: ReleaseStep): Promise<string | null> {
    if (undo === null) return `No command undoes this: ${user.release.text}.`
    const command = `\`${undo.join(' ')}\``
    try {
      const { problem, output } = await runProgram(this.kernel, undo, { hungAfter: this.hungAfter })
      if (problem !== null) return `${command} ${problem}. ${output.trim()}`.trimEnd()
      // Its processes are others now.
      if (user.release.kind === 'service') return null
      if (await becomes(this.kernel, user, 'present', APPEARS_WITHIN)) return null
      return `${command} ended with status 0, but the user is not there.`
    } catch (error) {
      if (!isKmodError(error)) throw error
      return error.message
    }
  }
}
