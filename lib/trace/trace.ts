/** The references to a module, as they are taken and dropped. */
import { EventIterator } from '../change/event-iterator'
import { invalidValue } from '../contract/errors'
import type { Kernel } from '../kernel/kernel'
import { checkName } from '../contract/names'
import { abortSignal, checkOptions } from '../contract/options'
import type { ReferenceEvent, TraceOptions } from '../contract/types'

/** The references to a module that are taken and dropped from this call on. Never throws. */
export function trace(
  kernel: Kernel,
  name: unknown,
  options?: unknown,
): EventIterator<ReferenceEvent> {
  return new EventIterator(() => {
    const module = checkTraceable(name)
    const { signal } = checkOptions<TraceOptions>(options, { signal: abortSignal })
    return { signal, module, doing: `Tracing ${module}`, source: () => kernel.trace(module) }
  })
}

/**
 * A trace filter of the kernel has the name between quotes, and a quote in it cannot be escaped.
 */
function checkTraceable(name: unknown): string {
  const checked = checkName(name)
  if (!/["'\\]/.test(checked)) return checked
  throw invalidValue('name', 'a module name without quotes and backslashes', name)
}
