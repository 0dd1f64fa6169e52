/** One step of a plan: a removal, or a remove command of modprobe.d. */
import { removalErrno, removalError } from '../change/change-error'
import { awaitChange, type ChangeLimits } from '../change/change'
import { callsOn } from '../change/calls'
import { refusalError, refusedRemovalBlocker } from '../change/refusals'
import { abortedError, waitFor } from '../change/waiting'
import { KmodError } from '../contract/errors'
import type { Blocker, LoadedModule, PlanOptions, UnloadStep } from '../contract/types'
import type { CommandRun, Kernel } from '../kernel/kernel'
import { referencesOf } from '../kernel/table'

export type StepOutcome =
  | { outcome: 'removed' }
  /** It was not loaded any more: something else had removed it. */
  | { outcome: 'absent' }
  /** The kernel refused, for a reason that can pass. */
  | { outcome: 'blocked'; blocker: Blocker }
  | { outcome: 'failed'; error: KmodError }

/** Whether the step is for a target or holder, which must be removed, not for a dependency. */
export function isRequired({ reason }: UnloadStep): boolean {
  return reason === 'target' || reason === 'holder'
}

/** Force applies to targets and holders, never to dependencies. */
export function isForced(step: UnloadStep, { force }: Pick<PlanOptions, 'force'>): boolean {
  return force === true && isRequired(step)
}

/** Whether the module is as the plan expects it, so that the kernel should remove it. */
export function isAsPlanned(row: LoadedModule, step: UnloadStep, force: boolean): boolean {
  if (row.state !== 'live' || row.holders.length > 0) return false
  if (force) return true
  if (row.permanent) return false
  // It is the task of the remove command of a target or holder to end what uses the module.
  if (step.action === 'run' && isRequired(step)) return true
  return (referencesOf(row) ?? 0) === 0
}

/** One delete_module(2). The signal does not end it, because the report must say how it ended. */
export async function removeModule(
  kernel: Kernel,
  module: string,
  force: boolean,
  { hungAfter }: ChangeLimits,
): Promise<StepOutcome> {
  const end = await awaitChange(kernel, module, kernel.remove(module, force), { hungAfter })
  if (end.outcome === 'done') return { outcome: 'removed' }
  const errno = removalErrno(end)
  if (errno === 'ENOENT') return { outcome: 'absent' }
  if (errno === 'EAGAIN' || errno === 'EBUSY') {
    const row = await kernel.row(module)
    if (row === undefined) return { outcome: 'absent' }
    const pid = callsOn(kernel).stuck.pid(module)
    const blocker = refusedRemovalBlocker(module, row, errno, pid)
    if (blocker.code !== 'ERR_KMOD_PERMANENT') return { outcome: 'blocked', blocker }
    return { outcome: 'failed', error: refusalError(blocker) }
  }
  return { outcome: 'failed', error: await removalError(kernel, module, end) }
}

/** A remove command of modprobe.d. It is killed when it takes too long or the signal aborts. */
export async function runRemoveCommand(
  kernel: Kernel,
  module: string,
  shell: string,
  { hungAfter, signal }: ChangeLimits,
): Promise<StepOutcome> {
  const run = kernel.runCommand(module, shell)
  const wait = await waitFor(kernel.clock, run.ended, { timeout: hungAfter, signal })
  if (wait.ended !== 'done') run.kill()
  const end = await run.ended
  const isLoaded = (await kernel.row(module)) !== undefined
  if (wait.ended === 'aborted') {
    const message = `Aborted during the remove command of module ${module}; the command and all its processes were killed.`
    return { outcome: 'failed', error: abortedError(wait.signal, message, module) }
  }
  if (end.exitCode === 0 && !isLoaded) return { outcome: 'removed' }
  const how =
    wait.ended === 'timeout'
      ? `was killed because it did not end within ${hungAfter} ms`
      : howEnded(end)
  const output = end.output.trim()
  const error = new KmodError(
    'ERR_KMOD_REMOVE_COMMAND',
    `The remove command of module ${module} in modprobe.d, "${shell}", ${how}.` +
      (output === '' ? ' It printed nothing.' : ` It printed: ${output}`),
    {
      module,
      shell,
      output,
      ...(end.exitCode !== null && { exitCode: end.exitCode }),
      ...(end.signal !== null && { signal: end.signal }),
    },
  )
  return { outcome: 'failed', error }
}

function howEnded({ exitCode, signal }: Awaited<CommandRun['ended']>): string {
  if (exitCode === 0) return 'ended with status 0, but the module is still loaded'
  return signal === null ? `ended with status ${exitCode}` : `was ended by ${signal}`
}
