/** Removals and insertions, which the helper carries out: the kernel may never answer. */
import { constants } from 'node:os'
import { removalError } from '../change/change-error'
import { awaitChange, DEFAULT_HUNG_AFTER } from '../change/change'
import { throwIfAborted } from '../change/waiting'
import { KmodError } from '../contract/errors'
import {
  abortSignal,
  checkOptions,
  DEFAULT_TIMEOUT,
  flag,
  timeLimit,
  type Rule,
} from '../contract/options'
import type { RemoveOptions } from '../contract/types'
import type { NativeFailure } from '../kernel/failure'
import { removeRequest } from '../live/helper/changes'
import { flagString } from '../live/helper/wire'
import { LiveKernel } from '../live/live-kernel'
import { libkmodError } from './call'

/** Options of `insert`. */
export interface InsertOptions {
  /** Parameters of the module, as insmod takes them: `numdummies=2`. They replace no configuration. */
  parameters?: string | undefined
  /** Insert the file even if it was built for another kernel. Taints the kernel, and can crash it. */
  force?: boolean | undefined
  /** Milliseconds until the call rejects with ERR_KMOD_HUNG; default 30 000. */
  hungAfter?: number | undefined
  signal?: AbortSignal | undefined
}

interface Limits {
  hungAfter?: number | undefined
  signal?: AbortSignal | undefined
}

const parameters: Rule<string> = {
  expected: 'a string without NUL',
  accepts: (value): value is string => typeof value === 'string' && !value.includes('\0'),
}

export async function remove(module: string, options: RemoveOptions | undefined): Promise<void> {
  const { force = false, ...limits } = checkOptions<RemoveOptions>(options, {
    force: flag,
    hungAfter: timeLimit,
    signal: abortSignal,
  })
  const doing = `remove module ${module}`
  await change('kmod_module_remove_module', module, doing, removeRequest(module, force), limits)
}

/** `findPath` resolves with null if the module has no file. */
export async function insert(
  module: string,
  findPath: (signal: AbortSignal | undefined) => Promise<string | null>,
  options: InsertOptions | undefined,
): Promise<void> {
  const checked = checkOptions<InsertOptions>(options, {
    parameters,
    force: flag,
    hungAfter: timeLimit,
    signal: abortSignal,
  })
  const syscall = 'kmod_module_insert_module'
  const path = await findPath(checked.signal)
  if (path === null) {
    throw new KmodError(
      'ERR_KMOD_NOT_FOUND',
      `Cannot insert module ${module}: the index has no file for it.`,
      { module, errno: -2, errnoCode: 'ENOENT', syscall },
    )
  }
  // ReadChangeRequest() in native/helper/change_messages.cc is the other end.
  const force = flagString(checked.force ?? false)
  const request = ['insert-file', path, force, checked.parameters ?? '']
  await change(syscall, module, `insert module ${module} from ${path}`, request, checked)
}

async function change(
  syscall: string,
  module: string,
  doing: string,
  request: string[],
  { hungAfter = DEFAULT_HUNG_AFTER, signal }: Limits,
): Promise<void> {
  throwIfAborted(signal, `The call to ${doing}`)
  const kernel = LiveKernel.open({}, DEFAULT_TIMEOUT)
  const end = await awaitChange(kernel, module, kernel.change(request), { hungAfter, signal })
  // The helper of a change that is stuck in the kernel reports its end, and ends with this process.
  if (end.outcome !== 'abandoned') void kernel.close(DEFAULT_TIMEOUT)
  switch (end.outcome) {
    case 'done':
      return
    case 'refused':
      throw libkmodError({ ...end.failure, ...errnoOf(end.failure), syscall }, doing, module)
    default:
      throw await removalError(kernel, module, end)
  }
}

/** A damaged file is refused before the kernel sees it, with the errno that the kernel has for it. */
function errnoOf({ failure, errno }: NativeFailure): Partial<NativeFailure> {
  if (failure !== 'format' || errno !== 0) return {}
  return { errno: constants.errno.ENOEXEC, errnoName: 'ENOEXEC' }
}
