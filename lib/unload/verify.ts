/** The last stage: what went is gone, and stays gone. */
import { abortedError } from '../change/change'
import { KmodError } from '../contract/errors'
import type { Call } from './execution'
import { Waiting } from './wait'

/** Looks once, and goes on looking for the time of `settle`. */
export async function verify(
  { kernel, draft, options: { settle = 0, signal } }: Call,
  targets: readonly string[],
): Promise<void> {
  const watch = new Waiting(kernel, settle, signal)
  const watched = new Set([...draft.removed, ...targets])
  try {
    for (;;) {
      // The folder in /sys/module comes before the module's init function runs; a glance is enough.
      const names = [...watched, ...draft.kept].filter(isFolderName)
      const found = await kernel.sysModules(names)
      const loaded = new Set(names.filter((_, i) => found[i]!.identity !== ''))
      draft.forgetKept((name) => loaded.has(name))
      const back = [...watched].filter((name) => loaded.has(name))
      for (const name of back) draft.markReappeared(name)
      if (watch.isOver) {
        const target = back.find((name) => targets.includes(name))
        if (target !== undefined) throw reappeared(target)
        return
      }
      await watch.pause()
      if (signal?.aborted) {
        throw abortedError(
          signal,
          'Aborted after the last step, while it was watched whether all stays gone.',
        )
      }
    }
  } finally {
    watch.end()
  }
}

function reappeared(module: string): KmodError {
  return new KmodError(
    'ERR_KMOD_REAPPEARED',
    `Module ${module} was unloaded, and somebody has loaded it again. Find out who asks for it (udev, a service, an alias); \`blacklist\` in modprobe.d keeps it out.`,
    { module },
  )
}

/** An alias that stands for nothing can hold anything. */
function isFolderName(name: string): boolean {
  return !name.includes('/') && name !== '.' && name !== '..'
}
