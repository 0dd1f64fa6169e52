/** Shows an unload on stderr: a line for each step, and a line that changes while the unload waits. */
import type { Blocker, UnloadEvent, UnloadOptions, UnloadStep, User } from '../index'
import type { Screen } from './screen'
import { blockerSentence, withUsers } from './text/plan'
import { paragraph } from './text/table'
import { usersText } from './text/usage'
import { shellCommand, time } from './text/words'

const CLEAR_LINE = '\r\u001b[K'

export class Progress {
  readonly #screen: Screen
  readonly #wait: number
  readonly #begin = performance.now()
  #stepBegin = this.#begin
  #ticking: NodeJS.Timeout | undefined
  #isLineOpen = false

  /** `wait`: milliseconds, the option of the call. */
  constructor(screen: Screen, wait: number) {
    this.#screen = screen
    this.#wait = wait
  }

  /** The callbacks of the call. */
  get callbacks(): Pick<UnloadOptions, 'onStep' | 'onBlocked'> {
    return {
      onStep: (event) => this.#step(event),
      onBlocked: (blocker, users) => this.#blocked(blocker, users),
    }
  }

  end(): void {
    clearInterval(this.#ticking)
    this.#ticking = undefined
    if (this.#isLineOpen) this.#screen.write(CLEAR_LINE)
    this.#isLineOpen = false
  }

  #step({ step, index, total, state }: UnloadEvent): void {
    // onBlocked is called then, with the blocker and its users.
    if (state === 'waiting') return
    this.end()
    const place = `${index + 1}/${total}`
    if (state === 'start') {
      this.#stepBegin = performance.now()
      this.#show(`${place}  ${doing(step)} ...`)
      return
    }
    const duration = time(performance.now() - this.#stepBegin)
    this.#screen.print(
      state === 'done'
        ? `${place}  ${done(step)}  ${this.#screen.paint.dim(duration)}`
        : `${place}  ${step.module} stays: something started to use it`,
    )
  }

  /** Prints the blocker once, and then how much time is left. */
  #blocked(blocker: Blocker, users: readonly User[]): void {
    this.end()
    const { paint } = this.#screen
    const sentence = blockerSentence(withUsers(blocker, [...users]))
    this.#screen.print(paragraph(this.#screen, paint.yellow(sentence)))
    this.#screen.print(usersText(this.#screen, users, '  '))
    const left = (): number => Math.max(0, this.#begin + this.#wait - performance.now())
    const line = (): string =>
      `waiting for ${blocker.module}, ${Math.ceil(left() / 1000)} s left (Ctrl-C ends it)`
    if (!this.#screen.isTerminal) {
      this.#screen.print(line())
      return
    }
    this.#show(line())
    this.#ticking = setInterval(() => this.#show(line()), 1000)
    this.#ticking.unref()
  }

  /** A line that the next one replaces; only on a terminal. */
  #show(line: string): void {
    if (!this.#screen.isTerminal) return
    // A line that is wrapped could not be cleared.
    this.#screen.write(CLEAR_LINE + line.slice(0, this.#screen.width - 1))
    this.#isLineOpen = true
  }
}

function doing(step: UnloadStep): string {
  if (step.action === 'release') return `running ${shellCommand(step.command)}`
  return `${step.action === 'load' ? 'loading' : 'removing'} ${step.module}`
}

function done(step: UnloadStep): string {
  if (step.action === 'release') return `ran ${shellCommand(step.command)}`
  return `${step.action === 'load' ? 'loaded' : 'removed'} ${step.module}`
}
