/**
 * Why a module cannot be removed. The kernel has two answers, EAGAIN and EBUSY, for four reasons; the
 * table of loaded modules tells them apart, in the order in which delete_module(2) looks: holders,
 * state, permanent, references. Source: kernel/module/main.c.
 */
import { blockerError, refusedBlocker } from './blocker'
import { permissionError } from './change'
import { KmodError, type KmodErrorDetails } from '../contract/errors'
import { failureToError, type NativeFailure } from '../kernel/failure'
import { absentError } from '../inspect/absent'
import type { ChangeEnd, Kernel } from '../kernel/kernel'

/** The error for a removal that did not end well. */
export async function removalError(
  kernel: Kernel,
  name: string,
  end: Exclude<ChangeEnd, { outcome: 'done' }>,
): Promise<KmodError> {
  const doing = `remove module ${name}`
  switch (end.outcome) {
    case 'killed':
      return new KmodError(
        'ERR_KMOD_SYSTEM',
        `Cannot ${doing}: the kernel killed the process that asked for it (signal ${end.signal}), ` +
          "which it does after an oops in a module's exit function. The module will stay " +
          '"unloading" until the next boot: see the kernel log.',
        { module: name },
      )
    case 'lost':
      return new KmodError(
        'ERR_KMOD_SYSTEM',
        `The helper program ended while it removed module ${name}, so it is not known how that ended: status('${name}') tells.`,
        { module: name },
      )
    case 'refused':
      return refusalError(kernel, name, end.failure)
  }
}

async function refusalError(
  kernel: Kernel,
  name: string,
  failure: NativeFailure,
): Promise<KmodError> {
  const doing = `remove module ${name}`
  const details: KmodErrorDetails = {
    module: name,
    errno: -failure.errno,
    errnoCode: failure.errnoName,
    syscall: failure.syscall,
  }
  switch (failure.failure === 'system' ? failure.errnoName : '') {
    case 'ENOENT': {
      const error = await absentError(kernel, name)
      return new KmodError(error.code, error.message, { ...details })
    }
    case 'EAGAIN':
    case 'EBUSY': {
      const errno = failure.errnoName as 'EAGAIN' | 'EBUSY'
      return blockerError(refusedBlocker(name, await kernel.row(name), errno), details)
    }
    case 'EPERM':
      return permissionError(kernel, doing, details)
    case 'ENOSYS':
      return new KmodError(
        'ERR_KMOD_UNSUPPORTED',
        `Cannot ${doing}: this kernel cannot unload modules.`,
        details,
      )
    default:
      return failureToError(failure, doing, { module: name })
  }
}
