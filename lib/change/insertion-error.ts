/** Why a module was not loaded. */
import { permissionError } from './change'
import { KmodError, type KmodErrorDetails } from '../contract/errors'
import { failureToError } from '../kernel/failure'
import type { Change, ChangeEnd, Kernel } from '../kernel/kernel'

/** What the kernel's numbers mean here; more is in the kernel log. */
const HINTS: Record<string, string> = {
  ENOENT: 'it needs a symbol that no loaded module has, or its file is gone',
  ENOEXEC: 'it was built for another kernel, or its file is damaged (compare `vermagic`)',
  EINVAL: 'its file is damaged, or it does not like a parameter',
  ENODEV: 'it found no device that it drives',
  ENOKEY: 'the kernel wants a signature by a key that it trusts',
  EKEYREJECTED: 'the kernel wants a signature by a key that it trusts',
  EBADMSG: 'its signature is damaged',
  ENOMEM: 'there is not enough memory',
}

/** The error for an insertion that did not end well. */
export async function insertionError(
  kernel: Kernel,
  target: string,
  change: Change,
  end: Exclude<ChangeEnd, { outcome: 'done' }>,
): Promise<KmodError> {
  // What was begun last is what failed: libkmod goes on after a soft dependency that fails.
  const failed = change.attempts.at(-1)?.module ?? target
  const doing =
    failed === target ? `load module ${target}` : `load ${failed}, which ${target} needs`
  if (end.outcome === 'killed') {
    const command = change.attempts.at(-1)?.command
    return new KmodError(
      'ERR_KMOD_LOAD',
      command
        ? `Cannot ${doing}: its install command in modprobe.d was ended (signal ${end.signal}).`
        : `Cannot ${doing}: the kernel killed the process that asked for it (signal ${end.signal}), which it does after an oops in a module's init function: see the kernel log.`,
      { module: failed },
    )
  }
  if (end.outcome === 'lost') {
    return new KmodError(
      'ERR_KMOD_SYSTEM',
      `The helper program ended while it loaded ${target}, so it is not known how that ended: status('${target}') tells.`,
      { module: failed },
    )
  }
  const { failure } = end
  if (failure.failure !== 'system') return failureToError(failure, doing, { module: failed })
  const details: KmodErrorDetails = {
    module: failed,
    ...(failure.errno !== 0 && { errno: -failure.errno, errnoCode: failure.errnoName }),
    ...(failure.syscall !== '' && { syscall: failure.syscall }),
  }
  if (failure.errnoName === 'ENOENT' && failure.syscall === '') {
    return new KmodError(
      'ERR_KMOD_NOT_FOUND',
      `Cannot ${doing}: the module index does not have it.`,
      details,
    )
  }
  if (failure.errnoName === 'EEXIST') {
    return new KmodError('ERR_KMOD_ALREADY_LOADED', `Module ${failed} is loaded already.`, details)
  }
  if (failure.errnoName === 'ENOSYS') {
    return new KmodError(
      'ERR_KMOD_UNSUPPORTED',
      `Cannot ${doing}: this kernel has no loadable modules.`,
      details,
    )
  }
  if (failure.errnoName === 'EPERM') {
    const error = await permissionError(kernel, doing, details)
    const { lockdown } = (await kernel.facts()).kernel
    const lockedDown = lockdown !== null && lockdown !== 'none'
    if (error.code === 'ERR_KMOD_DISABLED' || !lockedDown) return error
  }
  const hint = HINTS[failure.errnoName]
  const reasons = [failure.errnoName, hint, failure.detail.trim()].filter((text) => text)
  return new KmodError('ERR_KMOD_LOAD', `Cannot ${doing}: ${reasons.join('; ')}.`, details)
}
