/** Waits for the answers of libkmod, and makes the errors. */
import { debuglog } from 'node:util'
import { abortedError, throwIfAborted, waitFor } from '../change/waiting'
import { KmodError } from '../contract/errors'
import { abortSignal, checkOptions } from '../contract/options'
import type { CallOptions, KmodErrorCode } from '../contract/types'
import { hostClock } from '../kernel/clock'
import { failureToError, type NativeFailure } from '../kernel/failure'
import { loadBinding, type NativeCall } from './native'

const debug = debuglog('node-kmod')

export interface Question {
  /** Completes "Cannot ...", as in "look up the alias fs-ext4". */
  doing: string
  module?: string
  options: CallOptions | undefined
}

/** Resolves with the value of the answer. Rejects with a KmodError. */
export async function ask<T>(
  { doing, module, options }: Question,
  begin: () => NativeCall<T>,
): Promise<T> {
  const { signal } = checkOptions<CallOptions>(options, { signal: abortSignal })
  throwIfAborted(signal, `The call to ${doing}`)
  const { call, reply } = begin()
  const wait = await waitFor(hostClock, reply, { signal })
  if (wait.ended === 'aborted') {
    loadBinding().cancel(call)
    throw abortedError(wait.signal, `The call to ${doing} was aborted.`, module)
  }
  const answer = wait.ended === 'done' ? wait.value : undefined
  if (answer === undefined) {
    throw new KmodError('ERR_KMOD_ABORTED', `Cannot ${doing}: the context was closed.`, { module })
  }
  if (answer.log !== '') debug('%s: %s', doing, answer.log)
  if ('failure' in answer) throw libkmodError(answer.failure, doing, module)
  return answer.value
}

const MODULE_FILE_FUNCTIONS = [
  'kmod_module_new_from_path',
  'kmod_module_get_info',
  'kmod_module_get_versions',
  'kmod_module_get_symbols',
  'kmod_module_get_dependency_symbols',
]
const LOADED_FUNCTIONS = [
  'kmod_module_get_holders',
  'kmod_module_get_refcnt',
  'kmod_module_get_size',
  'kmod_module_get_sections',
]

/** What an errno means, by the function of libkmod that returned it. Any other is ERR_KMOD_SYSTEM. */
const CODES = new Map<string, KmodErrorCode>([
  ...MODULE_FILE_FUNCTIONS.map((name) => [`${name} ENOENT`, 'ERR_KMOD_NOT_FOUND'] as const),
  // Each reads a file below /sys/module, which has no such file for built-ins.
  ...LOADED_FUNCTIONS.map((name) => [`${name} ENOENT`, 'ERR_KMOD_NOT_LOADED'] as const),
  ['kmod_module_new_from_loaded ENOENT', 'ERR_KMOD_UNSUPPORTED'],
  ['kmod_module_remove_module ENOSYS', 'ERR_KMOD_UNSUPPORTED'],
  ['kmod_module_insert_module ENOSYS', 'ERR_KMOD_UNSUPPORTED'],
  ['kmod_module_remove_module ENOENT', 'ERR_KMOD_NOT_LOADED'],
  ['kmod_module_remove_module EPERM', 'ERR_KMOD_PERMISSION'],
  ['kmod_module_insert_module EPERM', 'ERR_KMOD_PERMISSION'],
  ['kmod_module_insert_module EEXIST', 'ERR_KMOD_ALREADY_LOADED'],
])

const ADVICE: Partial<Record<KmodErrorCode, string>> = {
  ERR_KMOD_NOT_LOADED: ' The module is not loaded, or it is built into the kernel.',
  ERR_KMOD_UNSUPPORTED: ' This kernel was built without loadable modules, or /proc is not mounted.',
  ERR_KMOD_PERMISSION:
    ' CAP_SYS_MODULE is missing, or kernel.modules_disabled is 1, or a security module refuses it: see `kmod.preflight()`.',
}

export function libkmodError(failure: NativeFailure, doing: string, module?: string): KmodError {
  const error = failureToError(failure, doing, { module })
  const code = CODES.get(`${failure.syscall} ${failure.errnoName}`)
  if (error.code !== 'ERR_KMOD_SYSTEM' || code === undefined) return error
  const { errno, errnoCode, syscall } = error
  return new KmodError(code, `${error.message}${ADVICE[code] ?? ''}`, {
    module,
    errno,
    errnoCode,
    syscall,
  })
}
