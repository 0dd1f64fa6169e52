/** One step of a plan, carried out. */
import { blockerError, refusedBlocker } from '../change/blocker'
import { abortedError, awaitChange, whenAborted } from '../change/change'
import { KmodError } from '../contract/errors'
import type { Kernel } from '../kernel/kernel'
import { referencesOf } from '../kernel/table'
import type { Blocker, LoadedModule, UnloadStep } from '../contract/types'
import { removalError } from '../change/removal-error'

export type StepOutcome =
  | { outcome: 'removed' }
  /** Somebody else removed it. */
  | { outcome: 'absent' }
  /** The kernel refused, for a reason of the moment. */
  | { outcome: 'blocked'; blocker: Blocker }

export interface StepPatience {
  hungAfter: number
  signal: AbortSignal | undefined
}

/** Is the module as the plan takes it to be, so that the kernel will let it go? */
export function isAsPlanned(row: LoadedModule, step: UnloadStep, force: boolean): boolean {
  if (row.state !== 'live' || row.holders.length > 0) return false
  if (force) return true
  if (row.permanent) return false
  return step.action === 'run' || (referencesOf(row) ?? 0) === 0
}

/** One delete_module(2). Rejects with what no waiting cures. */
export async function removeModule(
  kernel: Kernel,
  module: string,
  force: boolean,
  { hungAfter }: StepPatience,
): Promise<StepOutcome> {
  // No signal: a call into the kernel cannot be taken back, and the report would not be true.
  const end = await awaitChange(kernel.clock, module, kernel.remove(module, force), { hungAfter })
  if (end.outcome === 'done') return { outcome: 'removed' }
  const errno = end.outcome === 'refused' ? end.failure.errnoName : ''
  if (errno === 'ENOENT') return { outcome: 'absent' }
  if (errno === 'EAGAIN' || errno === 'EBUSY') {
    const row = await kernel.row(module)
    if (row === undefined) return { outcome: 'absent' }
    const blocker = refusedBlocker(module, row, errno)
    if (blocker.code !== 'ERR_KMOD_PERMANENT') return { outcome: 'blocked', blocker }
    throw blockerError(blocker)
  }
  throw await removalError(kernel, module, end)
}

/** A `remove` command of modprobe.d. */
export async function runRemoveCommand(
  kernel: Kernel,
  module: string,
  command: string,
  { hungAfter, signal }: StepPatience,
): Promise<StepOutcome> {
  const run = kernel.runCommand(module, command)
  const over = new AbortController()
  const ended = run.ended.finally(() => over.abort())
  const late = await Promise.race([
    ended.then(() => null),
    hungAfter === Infinity
      ? new Promise<never>(() => undefined)
      : kernel.clock.sleep(hungAfter, over.signal).then(() => 'late' as const),
    whenAborted(signal, over.signal).then(() => 'aborted' as const),
  ])
  // Both may have come at once; what has ended by itself is neither late nor worth aborting.
  const givenUp = over.signal.aborted ? null : late
  if (givenUp !== null) run.kill()
  const end = await ended
  const isThere = (await kernel.row(module)) !== undefined
  if (givenUp === 'aborted') {
    throw abortedError(
      signal!,
      `Aborted while the remove command of ${module} ran; the command and what it had started were ended.`,
      module,
    )
  }
  if (end.exitCode === 0 && !isThere) return { outcome: 'removed' }
  const how =
    givenUp === 'late'
      ? `did not end within ${hungAfter} ms, and was ended`
      : end.exitCode === 0
        ? 'ended well, but the module is still loaded'
        : end.signal === null
          ? `ended with status ${end.exitCode}`
          : `was ended by ${end.signal}`
  const output = end.output.trim()
  throw new KmodError(
    'ERR_KMOD_REMOVE_COMMAND',
    `The remove command of module ${module} in modprobe.d, "${command}", ${how}.` +
      (output === '' ? ' It printed nothing.' : ` It printed: ${output}`),
    {
      module,
      command,
      ...(end.exitCode !== null && { exitCode: end.exitCode }),
      ...(end.signal !== null && { signal: end.signal }),
    },
  )
}
