/** Lets go of a user before the modules that it uses are removed. */
import { abortedError, waitFor } from '../change/waiting'
import type { ChangeLimits } from '../change/change'
import { isKmodError, KmodError } from '../contract/errors'
import type { UnloadStep, User } from '../contract/types'
import { identityOf } from '../explain/identity'
import { usersOf } from '../explain/users'
import type { CommandRun, Kernel } from '../kernel/kernel'

export type ReleaseStep = UnloadStep & { action: 'release' }

type CommandEnd = Awaited<CommandRun['ended']>

/** Milliseconds after which a process that was asked to end is killed. */
const KILL_AFTER = 5_000
/** Milliseconds for which a user may still be seen after a command that has succeeded. */
const LINGER = 2_000
/** Milliseconds between two looks. */
const PAUSE = 100

/** Rejects with ERR_KMOD_RELEASE if the user is still there afterwards. */
export async function release(
  kernel: Kernel,
  { module, user, command }: ReleaseStep,
  limits: ChangeLimits,
): Promise<void> {
  const fail = (how: string, end: Partial<CommandEnd>): never => {
    throw releaseError(module, user, command, how, end)
  }
  const isKilled = user.release.kind === 'process'
  const end = await runProgram(kernel, command, limits)
  // A process can end by itself before it is killed.
  if (end.problem !== null && !(isKilled && (await isGone(kernel, user)))) fail(end.problem, end)
  if (await becomes(kernel, user, 'gone', isKilled ? KILL_AFTER : LINGER, limits)) return
  if (!isKilled) return fail('ended with status 0, but the user is still there', end)
  const [program, ...args] = command
  await runProgram(kernel, [program!, '-KILL', ...args], limits)
  if (await becomes(kernel, user, 'gone', LINGER, limits)) return
  fail('was not enough, and the process did not end after SIGKILL either', end)
}

/** How a program ended. `problem`: the end of a sentence if it failed, else null. */
export async function runProgram(
  kernel: Kernel,
  argv: readonly string[],
  { hungAfter, signal }: ChangeLimits,
): Promise<CommandEnd & { problem: string | null }> {
  const run = kernel.runProgram(argv)
  const ended = run.ended.then(
    (end) => ({ ...end, missing: null }),
    (error: unknown) => {
      // There is no such program, or there are too many processes.
      if (!isKmodError(error)) throw error
      return { exitCode: null, signal: null, output: '', missing: error.message }
    },
  )
  const wait = await waitFor(kernel.clock, ended, { timeout: hungAfter, signal })
  if (wait.ended !== 'done') run.kill()
  const { missing, ...end } = await ended
  if (wait.ended === 'aborted') {
    throw abortedError(wait.signal, `Aborted during \`${argv.join(' ')}\`, which was killed.`)
  }
  if (wait.ended === 'timeout') {
    return { ...end, problem: `was killed because it did not end within ${hungAfter} ms` }
  }
  if (missing !== null) return { ...end, problem: `could not be run. ${missing}` }
  if (end.signal !== null) return { ...end, problem: `was ended by ${end.signal}` }
  return { ...end, problem: end.exitCode === 0 ? null : `ended with status ${end.exitCode}` }
}

/** Looks again and again. Resolves with false if it has not happened after the time. */
export async function becomes(
  kernel: Kernel,
  user: User,
  what: 'gone' | 'present',
  timeout: number,
  { signal }: Pick<ChangeLimits, 'signal'> = {},
): Promise<boolean> {
  const end = kernel.clock.now() + timeout
  for (;;) {
    if ((await isGone(kernel, user)) === (what === 'gone')) return true
    if (kernel.clock.now() >= end) return false
    await kernel.clock.sleep(PAUSE, signal)
    if (signal?.aborted) throw abortedError(signal, 'Aborted while a user was being released.')
  }
}

/** Whether nothing of the user is left. */
export async function isGone(kernel: Kernel, user: User): Promise<boolean> {
  if (user.kind === 'process') return !(await kernel.isRunning(user.pid))
  const row = await kernel.row(user.module)
  if (row === undefined) return true
  const [users = []] = (await usersOf(kernel, [row])).users
  return !users.some((one) => identityOf(one) === identityOf(user))
}

/** The error for a user that is there again after each release. */
export function returningError({ module, user, command }: ReleaseStep): KmodError {
  return releaseError(
    module,
    user,
    command,
    'was to be run again, because there is a new user after each release. Something starts or sets up ' +
      'such a user again: stop that first',
    {},
  )
}

function releaseError(
  module: string,
  user: User,
  command: string[],
  how: string,
  { exitCode = null, signal = null, output = '' }: Partial<CommandEnd>,
): KmodError {
  const printed = output.trim()
  return new KmodError(
    'ERR_KMOD_RELEASE',
    `Cannot release a user of module ${module}: \`${command.join(' ')}\` ${how}.` +
      (printed === '' ? '' : ` It printed: ${printed}`) +
      ` What was to be done: ${user.release.text}.`,
    {
      module,
      user,
      command,
      output,
      ...(exitCode !== null && { exitCode }),
      ...(signal !== null && { signal }),
    },
  )
}
