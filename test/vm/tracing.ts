/** Traces of the module tun that tests begin, and their instances in tracefs. */
import { readdirSync, readFileSync } from 'node:fs'
import { kmod, type ReferenceEvent } from 'node-kmod'
import { afterThisTest, until } from './support'

export const INSTANCES = '/sys/kernel/tracing/instances'
export const DEVICE = '/dev/net/tun'

/** The instances of this package. */
export const instances = (): string[] =>
  readdirSync(INSTANCES).filter((name) => name.startsWith('node-kmod-'))

/** Starts a trace, which ends after the test. */
export function begin(...args: Parameters<typeof kmod.trace>): ReturnType<typeof kmod.trace> {
  const events = kmod.trace(...args)
  afterThisTest(() => events.return!())
  return events
}

/** Waits until so many traces record. Enabling the events is the last step of a start. */
export async function recording(count = 1): Promise<void> {
  const isOn = (name: string): boolean =>
    readFileSync(`${INSTANCES}/${name}/events/module/module_put/enable`, 'utf8').startsWith('1')
  await until(`${count} traces record`, () => {
    try {
      return instances().filter(isOn).length === count
    } catch {
      return false // An instance was removed meanwhile.
    }
  })
}

export async function take(
  events: AsyncIterator<ReferenceEvent>,
  count: number,
): Promise<ReferenceEvent[]> {
  const taken: ReferenceEvent[] = []
  while (taken.length < count) taken.push((await events.next()).value as ReferenceEvent)
  return taken
}
