/** The error for a change that did not end well. */
import { KmodError, type KmodErrorDetails } from '../contract/errors'
import { failureToError, type NativeFailure } from '../kernel/failure'
import type { Change, Kernel } from '../kernel/kernel'
import { callsOn } from './calls'
import type { ChangeOutcome } from './change'
import {
  alreadyLoadedError,
  CALL_FORBIDDEN,
  cannot,
  MODULES_DISABLED,
  NO_CAPABILITY,
  NO_MODULES,
  NO_UNLOADING,
  notFoundBlocker,
  refusalError,
  refusedRemovalBlocker,
  type Refusal,
} from './refusals'

type FailedChange = Exclude<ChangeOutcome, { outcome: 'done' }>

/**
 * The errno with which delete_module(2) refused; '' for every other end. The same number from
 * another system call means something else: fork(2) gives EAGAIN when there are too many processes.
 */
export function removalErrno(end: ChangeOutcome): string {
  if (end.outcome !== 'refused' || end.failure.failure !== 'system') return ''
  return end.failure.syscall === 'delete_module' ? end.failure.errnoName : ''
}

/** Positive numbers become negative, as Node has them. */
export function failureDetails(module: string, failure: NativeFailure): KmodErrorDetails {
  return {
    module,
    ...(failure.errno !== 0 && { errno: -failure.errno, errnoCode: failure.errnoName }),
    ...(failure.syscall !== '' && { syscall: failure.syscall }),
  }
}

export async function removalError(
  kernel: Kernel,
  module: string,
  end: FailedChange,
): Promise<KmodError> {
  const doing = `remove module ${module}`
  switch (end.outcome) {
    case 'abandoned':
      return end.error
    case 'killed':
      return new KmodError(
        'ERR_KMOD_SYSTEM',
        `Cannot ${doing}: the kernel killed the process that called it (signal ${end.signal}), as it ` +
          "does after an oops in a module's exit function. The module stays in the state " +
          '"unloading" until the next boot: see the kernel log.',
        { module },
      )
    case 'lost':
      return new KmodError(
        'ERR_KMOD_SYSTEM',
        `The helper program ended while it removed module ${module}, and the result is unknown: ask status('${module}').`,
        { module },
      )
    case 'refused':
      break
  }
  const details = failureDetails(module, end.failure)
  const errno = removalErrno(end)
  switch (errno) {
    case 'EAGAIN':
    case 'EBUSY': {
      const pid = callsOn(kernel).stuck.pid(module)
      const row = await kernel.row(module)
      const blocker = refusedRemovalBlocker(module, row, errno, pid)
      if (blocker.code !== 'ERR_KMOD_IN_USE') return refusalError(blocker, details)
      // Nobody has looked for the users; an empty list would mean that there are none.
      const { code, message, references } = blocker
      return new KmodError(code, message, { ...details, references })
    }
    case 'EPERM':
      return refusalError(cannot(doing, await missingPermission(kernel)), details)
    case 'ENOSYS':
      return refusalError(cannot(doing, NO_UNLOADING), details)
    default:
      return failureToError(end.failure, doing, { module })
  }
}

/** What the errno of an insertion means. The kernel log says more. */
const INSERTION_HINTS: Record<string, string> = {
  ENOENT: 'it needs a symbol that no loaded module has, or its file is missing',
  ENOEXEC: 'it was built for another kernel, or its file is damaged (compare `vermagic`)',
  EINVAL: 'its file is damaged, or it rejects a parameter',
  ENODEV: 'it found no device that it drives',
  ENOKEY: 'the kernel requires a signature by a key that it trusts',
  EKEYREJECTED: 'the kernel requires a signature by a key that it trusts',
  EBADMSG: 'its signature is damaged',
  ENOMEM: 'there is not enough memory',
}

/** `target`: the module that was asked for; what failed may be one that it needs. */
export async function insertionError(
  kernel: Kernel,
  target: string,
  change: Change,
  end: FailedChange,
): Promise<KmodError> {
  if (end.outcome === 'abandoned') return end.error
  // The last attempt is the one that failed: libkmod goes on after a soft dependency that fails.
  const attempt = change.attempts.at(-1)
  const module = attempt?.module ?? target
  const doing =
    module === target ? `load module ${target}` : `load module ${module}, which ${target} needs`
  if (end.outcome === 'killed') {
    return new KmodError(
      'ERR_KMOD_LOAD',
      attempt?.command
        ? `Cannot ${doing}: its install command in modprobe.d was killed (signal ${end.signal}).`
        : `Cannot ${doing}: the kernel killed the process that called it (signal ${end.signal}), as it does after an oops in a module's init function: see the kernel log.`,
      { module },
    )
  }
  if (end.outcome === 'lost') {
    return new KmodError(
      'ERR_KMOD_SYSTEM',
      `The helper program ended while it loaded module ${target}, and the result is unknown: ask status('${target}').`,
      { module },
    )
  }
  const { failure } = end
  if (failure.failure !== 'system') return failureToError(failure, doing, { module })
  const details = failureDetails(module, failure)
  const { errnoName } = failure
  if (errnoName === 'ENOENT' && failure.syscall === '') {
    return refusalError(cannot(doing, notFoundBlocker(module, 'load')), details)
  }
  if (errnoName === 'EEXIST') return alreadyLoadedError(module, details)
  if (errnoName === 'ENOSYS') return refusalError(cannot(doing, NO_MODULES), details)
  if (errnoName === 'EPERM') {
    const missing = await missingPermission(kernel)
    const { lockdown } = (await kernel.facts()).kernel
    // Under lockdown the kernel refuses modules without a signature with EPERM, whoever asks.
    const isLockedDown = lockdown !== null && lockdown !== 'none'
    if (missing === MODULES_DISABLED || !isLockedDown) {
      return refusalError(cannot(doing, missing), details)
    }
  }
  const reasons = [errnoName, INSERTION_HINTS[errnoName], failure.detail.trim()]
  return new KmodError(
    'ERR_KMOD_LOAD',
    `Cannot ${doing}: ${reasons.filter((text) => text).join('; ')}.`,
    details,
  )
}

/** Why the kernel may have answered EPERM. */
async function missingPermission(kernel: Kernel): Promise<Refusal> {
  const facts = await kernel.facts()
  if (facts.kernel.modulesDisabled) return MODULES_DISABLED
  return facts.capability ? CALL_FORBIDDEN : NO_CAPABILITY
}
