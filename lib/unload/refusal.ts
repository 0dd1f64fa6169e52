/**
 * Why a module cannot be removed. The kernel has two answers, EAGAIN and EBUSY, for four reasons; the
 * table of loaded modules tells them apart, in the order in which delete_module(2) looks: holders,
 * state, permanent, references. Source: kernel/module/main.c.
 */
import { permissionError, stuckPid } from '../change'
import { KmodError, type KmodErrorDetails } from '../errors'
import { failureToError, type NativeFailure } from '../failure'
import { absentError } from '../inspect/absent'
import type { ChangeEnd, Kernel } from '../kernel'
import type { LoadedModule } from '../types'

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
      return busyError(name, await kernel.row(name), failure.errnoName, details)
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

/** EAGAIN: holders, or references. EBUSY: state, or permanent. */
function busyError(
  name: string,
  row: LoadedModule | undefined,
  errno: string,
  details: KmodErrorDetails,
): KmodError {
  const holders = row?.holders ?? []
  if (errno === 'EAGAIN' && holders.length > 0) return heldError(name, holders, details)
  if (errno === 'EAGAIN') {
    // The count may have fallen since the kernel looked.
    return inUseError(name, row?.refCount ?? 0, details)
  }
  if (row?.state === 'live' && row.permanent) return permanentError(name, details)
  return transientError(name, row?.state, details)
}

export function heldError(
  name: string,
  holders: string[],
  details: KmodErrorDetails = {},
): KmodError {
  return new KmodError(
    'ERR_KMOD_HELD',
    `Module ${name} is used by ${holders.length === 1 ? 'module' : 'modules'} ${holders.join(', ')}. Remove ${holders.length === 1 ? 'that' : 'those'} first.`,
    { ...details, module: name, holders },
  )
}

function inUseError(name: string, references: number, details: KmodErrorDetails): KmodError {
  return new KmodError(
    'ERR_KMOD_IN_USE',
    references === 0
      ? `Module ${name} was in use when the kernel looked, and is not any more: try again.`
      : `Module ${name} is in use: ${references} ${references === 1 ? 'reference' : 'references'} by something that is no module, such as an open device, a mount, a socket or an interface. Find it and close it.`,
    { ...details, module: name, references },
  )
}

function permanentError(name: string, details: KmodErrorDetails): KmodError {
  return new KmodError(
    'ERR_KMOD_PERMANENT',
    `Module ${name} has no exit function: it stays until the next boot (only force would take it out, at the kernel's risk).`,
    { ...details, module: name },
  )
}

function transientError(
  name: string,
  state: LoadedModule['state'] | undefined,
  details: KmodErrorDetails,
): KmodError {
  const pid = stuckPid(name)
  return new KmodError(
    'ERR_KMOD_TRANSIENT',
    `Module ${name} is being ${state === 'loading' ? 'loaded' : 'unloaded'} right now` +
      (pid === undefined
        ? ': try again.'
        : `, by process ${pid}, which an earlier call gave up on.`),
    { ...details, module: name, ...(pid !== undefined && { pid }) },
  )
}
