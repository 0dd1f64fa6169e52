/** The last stage: what was removed must stay removed. */
import { reappearedError } from '../change/refusals'
import { abortedError } from '../change/waiting'
import type { Call } from './call'
import { Polling } from './polling'

/** Checks at least once, and for the time of `settle`. Rejects if a target was loaded again. */
export async function verify(
  { kernel, draft, options: { settle = 0, signal } }: Call,
  targets: readonly string[],
): Promise<void> {
  const polling = new Polling(kernel, settle, signal)
  const removed = [...new Set([...draft.removed, ...targets])]
  try {
    for (;;) {
      // A module has its folder in /sys/module before its init function runs. To look for the folder
      // is enough, and cheaper than to read the table.
      const names = [...removed, ...draft.kept].filter(isFolderName)
      const found = await kernel.sysModules(names)
      const loaded = new Set(names.filter((_, i) => found[i]!.identity !== ''))
      draft.forgetKept((name) => loaded.has(name))
      const reappeared = removed.filter((name) => loaded.has(name))
      for (const name of reappeared) draft.markReappeared(name)
      if (polling.isOver) {
        const target = reappeared.find((name) => targets.includes(name))
        if (target !== undefined) throw reappearedError(target)
        return
      }
      await polling.pause()
      if (signal?.aborted) {
        throw abortedError(
          signal,
          'Aborted after the last step, during `settle`. The report lists what was removed.',
        )
      }
    }
  } finally {
    polling.end()
  }
}

/** An absent target can be an unknown alias, which may contain any characters. */
function isFolderName(name: string): boolean {
  return !name.includes('/') && name !== '.' && name !== '..'
}
