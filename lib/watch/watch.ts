/** Modules as they are loaded and unloaded. */
import { EventIterator } from '../change/event-iterator'
import { checkName } from '../contract/names'
import { abortSignal, checkOptions, type Rule } from '../contract/options'
import type { ModuleEvent, WatchOptions } from '../contract/types'
import type { EventSource, Kernel } from '../kernel/kernel'

/** Throws the error of checkName(), which says more. */
const moduleNames: Rule<string | readonly string[]> = {
  expected: 'a module name or an array of module names',
  accepts: (value): value is string | readonly string[] => {
    const names: unknown[] = Array.isArray(value) ? value : [value]
    for (const name of names) checkName(name, 'options.modules')
    return true
  },
}

/** The loads and unloads from this call on. Never throws. */
export function watch(kernel: Kernel, rawOptions?: unknown): EventIterator<ModuleEvent> {
  return new EventIterator(() => {
    const { modules, signal } = checkOptions<WatchOptions>(rawOptions, {
      modules: moduleNames,
      signal: abortSignal,
    })
    const names = modules && [modules].flat().map((name) => checkName(name))
    const source = (): EventSource<ModuleEvent> => {
      const all = kernel.watchModules()
      return names === undefined ? all : only(all, new Set(names))
    }
    return { signal, doing: 'The watch', source }
  })
}

/** An overrun is for all modules. */
function only(all: EventSource<ModuleEvent>, names: ReadonlySet<string>): EventSource<ModuleEvent> {
  return {
    next: async (): Promise<ModuleEvent | null> => {
      for (;;) {
        const event = await all.next()
        if (event?.module == null || names.has(event.module)) return event
      }
    },
    close: () => all.close(),
  }
}
