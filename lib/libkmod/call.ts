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

const FILE_FUNCTIONS = [
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
const CHANGES = ['kmod_module_remove_module', 'kmod_module_insert_module']

interface Meaning {
  code: KmodErrorCode
  /** Follows the message. */
  advice?: string
}

const NOT_FOUND: Meaning = { code: 'ERR_KMOD_NOT_FOUND' }
const NOT_LOADED: Meaning = {
  code: 'ERR_KMOD_NOT_LOADED',
  advice: ' The module is not loaded, or it is built into the kernel.',
}
const DAMAGED: Meaning = {
  code: 'ERR_KMOD_FORMAT',
  advice: ' The file is not a kernel module, or is damaged.',
}
const COMPRESSED: Meaning = {
  code: 'ERR_KMOD_UNSUPPORTED',
  advice: ' The libkmod of this system was built without support for the compression of the file.',
}
const NO_MODULES: Meaning = {
  code: 'ERR_KMOD_UNSUPPORTED',
  advice: ' This kernel was built without loadable modules, or /proc is not mounted.',
}
const NOT_PERMITTED: Meaning = {
  code: 'ERR_KMOD_PERMISSION',
  advice:
    ' CAP_SYS_MODULE is missing, or kernel.modules_disabled is 1, or a security module refuses it: see `kmod.preflight()`.',
}

/** What an errno means, by the function of libkmod that returned it. Any other is ERR_KMOD_SYSTEM. */
const MEANINGS = new Map<string, Meaning>([
  ['kmod_module_new_from_path ENOENT', NOT_FOUND],
  ...FILE_FUNCTIONS.flatMap((name): [string, Meaning][] => [
    [`${name} ENOENT`, NOT_FOUND],
    // What unpacks the file has its own errno for damage: EINVAL for xz and zstd, ENOEXEC for gzip.
    [`${name} EINVAL`, DAMAGED],
    [`${name} ENOEXEC`, DAMAGED],
    [`${name} ENOSYS`, COMPRESSED],
  ]),
  // Each reads a file below /sys/module, which has no such file for built-ins.
  ...LOADED_FUNCTIONS.map((name): [string, Meaning] => [`${name} ENOENT`, NOT_LOADED]),
  ['kmod_module_new_from_loaded ENOENT', NO_MODULES],
  ...CHANGES.flatMap((name): [string, Meaning][] => [
    [`${name} ENOSYS`, NO_MODULES],
    [`${name} EPERM`, NOT_PERMITTED],
  ]),
  ['kmod_module_remove_module ENOENT', NOT_LOADED],
  ['kmod_module_insert_module EEXIST', { code: 'ERR_KMOD_ALREADY_LOADED' }],
])

export function libkmodError(failure: NativeFailure, doing: string, module?: string): KmodError {
  const error = failureToError(failure, doing, { module })
  const meaning = MEANINGS.get(`${failure.syscall} ${failure.errnoName}`)
  if (error.code !== 'ERR_KMOD_SYSTEM' || meaning === undefined) return error
  const { errno, errnoCode, syscall } = error
  return new KmodError(meaning.code, `${error.message}${meaning.advice ?? ''}`, {
    module,
    errno,
    errnoCode,
    syscall,
  })
}
