/** What tools are told: the channels of node:diagnostics_channel. */
import { subscribe, tracingChannel, unsubscribe } from 'node:diagnostics_channel'
import { Kmod } from '../../lib/kmod'
import type { UnloadStep } from '../../lib/contract/types'
import { rejection } from '../support/rejection'
import { SimulatedKernel } from '../../lib/testing/simulated-kernel'

interface Told {
  kmod: object
  arguments: unknown[]
  result?: unknown
  error?: unknown
}

let kernel: SimulatedKernel
let kmod: Kmod
beforeEach(() => {
  kernel = new SimulatedKernel().addToIndex({ name: 'card' }).add('card')
  kmod = Kmod.over(kernel)
})

test.each(['plan', 'unload', 'load', 'reload'] as const)('%s publishes its end', async (name) => {
  const told: Told[] = []
  const traces = tracingChannel<string, Told>(`node-kmod:${name}`)
  const ignore = (): void => undefined
  const listeners = {
    start: ignore,
    end: ignore,
    asyncStart: ignore,
    error: ignore,
    asyncEnd: (context: Told) => void told.push(context),
  }
  traces.subscribe(listeners)
  try {
    const result = await kmod[name]('card')
    await rejection(kmod[name]('no_such', { force: 'x' } as never))
    expect(told).toHaveLength(2)
    expect(told[0]).toMatchObject({ arguments: ['card', undefined] })
    expect(told[0]!.kmod).toBe(kmod)
    expect(told[0]!.result).toBe(result)
    expect(told[1]!.error).toBeInstanceOf(TypeError)
  } finally {
    traces.unsubscribe(listeners)
  }
})

test('each step publishes its duration, and the errno of its failure', async () => {
  const told: { step: UnloadStep; duration: number; errno: number | null }[] = []
  const listen = (message: unknown): void => void told.push(message as (typeof told)[number])
  subscribe('node-kmod:step', listen)
  try {
    kernel.add('slow', { exitTime: 50 })
    await kmod.unload('slow')
    kernel.beforeRemoval = () => (kernel.factsNow.capability = false)
    await rejection(kmod.unload('card'))
    expect(told).toEqual([
      { step: { action: 'remove', module: 'slow', reason: 'target' }, duration: 50, errno: null },
      { step: { action: 'remove', module: 'card', reason: 'target' }, duration: 0, errno: -1 },
    ])
  } finally {
    unsubscribe('node-kmod:step', listen)
  }
})
