import { awaitChange, DEFAULT_HUNG_AFTER, refuseReadOnly, throwIfAborted } from '../change/change'
import type { Kernel } from '../kernel/kernel'
import { checkName } from '../contract/names'
import { abortSignal, checkOptions, duration, flag } from '../contract/options'
import type { RemoveOptions } from '../contract/types'
import { forceUnsupported } from '../change/force'
import { removalError } from '../change/removal-error'

/** One delete_module(2). */
export async function remove(kernel: Kernel, name: unknown, options?: unknown): Promise<void> {
  const wanted = checkName(name)
  const {
    force = false,
    hungAfter = DEFAULT_HUNG_AFTER,
    signal,
  } = checkOptions<RemoveOptions>(options, {
    force: flag,
    hungAfter: duration,
    signal: abortSignal,
  })
  refuseReadOnly(kernel)
  throwIfAborted(signal, `Removing ${wanted}`)
  if (force && (await kernel.facts()).kernel.forceUnload === false) throw forceUnsupported()

  const change = kernel.remove(wanted, force)
  const end = await awaitChange(kernel.clock, wanted, change, { hungAfter, signal })
  if (end.outcome !== 'done') throw await removalError(kernel, wanted, end)
}
