/** rmmod: one delete_module(2), without a plan. */
import { failureDetails, removalErrno, removalError } from '../change/change-error'
import { awaitChange, DEFAULT_HUNG_AFTER, refuseReadOnly } from '../change/change'
import { NO_FORCE, refusalError } from '../change/refusals'
import { throwIfAborted } from '../change/waiting'
import { KmodError } from '../contract/errors'
import { checkName } from '../contract/names'
import { abortSignal, checkOptions, flag, timeLimit } from '../contract/options'
import type { RemoveOptions } from '../contract/types'
import { absentError } from '../inspect/status'
import type { Kernel } from '../kernel/kernel'

export async function remove(kernel: Kernel, name: unknown, options?: unknown): Promise<void> {
  const module = checkName(name)
  const {
    force = false,
    hungAfter = DEFAULT_HUNG_AFTER,
    signal,
  } = checkOptions<RemoveOptions>(options, {
    force: flag,
    hungAfter: timeLimit,
    signal: abortSignal,
  })
  refuseReadOnly(kernel)
  throwIfAborted(signal, `Removing ${module}`)
  if (force && (await kernel.facts()).kernel.forceUnload === false) throw refusalError(NO_FORCE)

  const change = kernel.remove(module, force)
  const end = await awaitChange(kernel, module, change, { hungAfter, signal })
  if (end.outcome === 'done') return
  if (end.outcome === 'refused' && removalErrno(end) === 'ENOENT') {
    const { code, message } = await absentError(kernel, module)
    throw new KmodError(code, message, failureDetails(module, end.failure))
  }
  throw await removalError(kernel, module, end)
}
