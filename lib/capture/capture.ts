/** Implements capture() of the public interface. */
import { resolve } from 'node:path'
import { abortedError, throwIfAborted, waitFor } from '../change/waiting'
import { invalidType, invalidValue, KmodError } from '../contract/errors'
import { abortSignal, checkOptions, flag, path as pathRule } from '../contract/options'
import type { CaptureOptions, CaptureReport } from '../contract/types'
import type { Kernel } from '../kernel/kernel'
import { CaptureFolder } from './folder'
import { readSystem } from './read'

export async function capture(
  kernel: Kernel,
  folder: unknown,
  options: unknown,
): Promise<CaptureReport> {
  if (typeof folder !== 'string') throw invalidType('folder', 'of type string', folder)
  if (!pathRule.accepts(folder)) throw invalidValue('folder', pathRule.expected, folder)
  const { users = true, signal } = checkOptions<CaptureOptions>(options, {
    users: flag,
    signal: abortSignal,
  })
  throwIfAborted(signal, 'capture()')
  const source = kernel.hearing(signal).captureSource
  if (source === undefined) {
    throw new KmodError(
      'ERR_KMOD_UNSUPPORTED',
      'The kernel of this Kmod has no files that could be captured.',
    )
  }
  const alive = (): void => {
    if (signal?.aborted) throw abortedError(signal, 'capture() was aborted.')
  }
  const target = await CaptureFolder.open(resolve(folder))
  try {
    // The table is read first: it rejects if the kernel has no modules.
    const reading = kernel.table().then(() => readSystem(source, users, alive))
    const wait = await waitFor(kernel.clock, reading, { signal })
    if (wait.ended !== 'done') throw abortedError(signal!, 'capture() was aborted.')
    const { entries, unreadable } = wait.value
    const { files, bytes, left } = await target.write(entries, alive)
    return { files, bytes, unreadable: [...unreadable, ...left] }
  } catch (error) {
    await target.empty()
    throw error
  }
}
