/** Calls of one process that work on the same modules. */
import { Kmod } from '../../lib/kmod'
import type { UnloadEvent, UnloadOptions } from '../../lib/contract/types'
import { rejection } from '../support/rejection'
import { SimulatedKernel } from '../../lib/testing/simulated-kernel'

let kernel: SimulatedKernel
let kmod: Kmod
beforeEach(() => {
  kernel = new SimulatedKernel()
  kmod = Kmod.over(kernel)
})

describe('the queue', () => {
  test('a call inside a callback does not wait for calls that wait for the outer call', async () => {
    kernel.add('base', { references: 1 })
    const first = kmod.unload('base', {
      wait: 60_000,
      onBlocked: async () => {
        await rejection(kmod.unload('base'))
        kernel.modules.get('base')!.references = 0
      },
    })
    const second = rejection(kmod.unload('base'))
    expect((await first).removed).toEqual(['base'])
    // It does not wait for a call that waits.
    expect((await second).code).toBe('ERR_KMOD_IN_USE')
  })

  test('the signal takes effect while a call plans again', async () => {
    kernel.add('slow', { exitTime: 5_000 })
    const first = kmod.unload('slow')
    const controller = new AbortController()
    const table = kernel.table.bind(kernel)
    let calls = 0
    kernel.table = () => {
      if (++calls === 2) controller.abort()
      return table()
    }
    expect(await rejection(kmod.unload('slow', { signal: controller.signal }))).toMatchObject({
      code: 'ERR_KMOD_ABORTED',
    })
    await first
  })

  test('load waits for an unload of the same module', async () => {
    kernel.addToIndex({ name: 'slow' }).add('slow', { exitTime: 500 })
    const [unloaded, loaded] = await Promise.all([kmod.unload('slow'), kmod.load('slow')])
    expect(unloaded.removed).toEqual(['slow'])
    expect(loaded.loaded).toEqual(['slow'])
  })
})

describe('calls that wait', () => {
  const never = (): Promise<never> => new Promise(() => undefined)
  /** By its type, onStep returns nothing; a program can still return a promise. */
  type OnStep = NonNullable<UnloadOptions['onStep']>

  test('are not waited for by a call without wait, which says what blocks', async () => {
    kernel.add('busy', { references: 1 })
    const first = rejection(kmod.unload('busy', { wait: 60_000 }))
    expect(await rejection(kmod.unload('busy'))).toMatchObject({ code: 'ERR_KMOD_IN_USE' })
    expect(kernel.clock.now()).toBeLessThan(1_000)
    expect(await first).toMatchObject({ code: 'ERR_KMOD_TIMEOUT' })
  })

  test('are not waited for by load', async () => {
    kernel
      .addToIndex({ name: 'busy' }, { name: 'new', uses: ['busy'] })
      .add('busy', { references: 1 })
    const first = rejection(kmod.unload('busy', { wait: 60_000 }))
    expect(await kmod.load('new')).toMatchObject({ loaded: ['new'] })
    expect(kernel.clock.now()).toBeLessThan(1_000)
    // The new holder ends the first one.
    expect(await first).toMatchObject({ code: 'ERR_KMOD_HELD' })
  })

  test('take their turn again: each module is removed once', async () => {
    kernel.add('busy', { references: 1, exitTime: 500 })
    kernel.after(1_000, () => (kernel.modules.get('busy')!.references = 0))
    const reports = await Promise.all(
      Array.from({ length: 5 }, () => kmod.unload('busy', { wait: 60_000 })),
    )
    expect(kernel.removals).toEqual(['busy'])
    expect(reports.map(({ removed }) => removed.length).sort()).toEqual([0, 0, 0, 0, 1])
  })

  test('wait for the running step of another call', async () => {
    kernel.add('slow', { exitTime: 5_000 })
    const first = kmod.unload('slow')
    expect(await kmod.unload('slow')).toMatchObject({ absent: ['slow'] })
    expect(kernel.clock.now()).toBeGreaterThanOrEqual(5_000)
    await first
  })

  test('a stuck step is waited for as long as its hungAfter', async () => {
    kernel.add('stuck', { exitTime: Infinity })
    const first = rejection(kmod.unload('stuck', { hungAfter: 2_000 }))
    expect(await rejection(kmod.unload('stuck'))).toMatchObject({
      code: 'ERR_KMOD_TRANSIENT',
      pid: 4242,
    })
    expect(kernel.clock.now()).toBe(2_000)
    expect(await first).toMatchObject({ code: 'ERR_KMOD_HUNG' })
  })

  test('two whose callbacks each ask for the module of the other', async () => {
    kernel.add('a', { references: 1 }).add('b', { references: 1 })
    const asked: string[] = []
    const free = (name: string): void => void (kernel.modules.get(name)!.references = 0)
    const [one, two] = await Promise.all([
      kmod.unload('a', {
        wait: 60_000,
        onBlocked: async () => {
          asked.push((await rejection(kmod.unload('b'))).code)
          free('a')
        },
      }),
      kmod.unload('b', {
        wait: 60_000,
        onBlocked: async () => {
          await kmod.unload('a', { wait: 100 }).catch(() => undefined)
          asked.push('a')
          free('b')
        },
      }),
    ])
    expect([one.removed, two.removed]).toEqual([['a'], ['b']])
    expect(asked.sort()).toEqual(['ERR_KMOD_IN_USE', 'a'])
  })

  test('two whose callbacks wait for the module of the other end at the deadline', async () => {
    kernel.add('a', { references: 1 }).add('b', { references: 1 })
    const inner: Promise<unknown>[] = []
    const unload = (name: string, other: string) =>
      rejection(
        kmod.unload(name, {
          wait: 1_000,
          onBlocked: async () => {
            const call = kmod.unload(other, { wait: 5_000 }).catch(() => undefined)
            inner.push(call)
            await call
          },
        }),
      )
    const errors = await Promise.all([unload('a', 'b'), unload('b', 'a')])
    expect(errors.map(({ code }) => code)).toEqual(['ERR_KMOD_TIMEOUT', 'ERR_KMOD_TIMEOUT'])
    expect(kernel.clock.now()).toBeLessThan(5_000)
    await Promise.all(inner)
  })

  test('a callback of onBlocked that never settles ends at the deadline', async () => {
    kernel.add('busy', { references: 1 })
    const error = await rejection(kmod.unload('busy', { wait: 500, onBlocked: never }))
    expect(error).toMatchObject({
      code: 'ERR_KMOD_TIMEOUT',
      blocker: { code: 'ERR_KMOD_IN_USE', module: 'busy' },
      report: { removed: [] },
    })
    expect(kernel.clock.now()).toBe(500)
    // The call has left the queue: the next call has its turn.
    kernel.modules.get('busy')!.references = 0
    expect((await kmod.unload('busy')).removed).toEqual(['busy'])
  })

  test('a callback that never settles ends with the signal', async () => {
    for (const callback of ['onStep', 'onBlocked'] as const) {
      kernel.add('busy', { references: 1 })
      const controller = new AbortController()
      kernel.after(300, () => controller.abort(new Error('enough')))
      const error = await rejection(
        kmod.unload('busy', { wait: Infinity, signal: controller.signal, [callback]: never }),
      )
      expect(error).toMatchObject({ code: 'ERR_KMOD_ABORTED', cause: { message: 'enough' } })
    }
  })

  test('a callback of onStep that never settles ends at the deadline, and delays no other call', async () => {
    kernel.add('idle')
    const first = rejection(kmod.unload('idle', { wait: 500, onStep: never as unknown as OnStep }))
    expect((await kmod.unload('idle')).removed).toEqual(['idle'])
    expect(await first).toMatchObject({ code: 'ERR_KMOD_TIMEOUT', module: 'idle', users: [] })
    expect(kernel.clock.now()).toBe(500)
  })

  test('a callback of onStep that waits for another call continues after it', async () => {
    kernel.add('a').add('b')
    const onStep = ({ step, state }: UnloadEvent): unknown =>
      step.module === 'a' && state === 'start' ? kmod.unload('b') : undefined
    const report = await kmod.unload(['a', 'b'], { onStep })
    expect(report).toMatchObject({ removed: ['a'], absent: ['b'] })
  })

  test('a callback that rejects after it was abandoned is no unhandled rejection', async () => {
    kernel.add('busy', { references: 1 })
    const late = async (): Promise<void> => {
      await kernel.clock.sleep(1_000)
      throw new Error('too late')
    }
    await rejection(kmod.unload('busy', { wait: 500, onBlocked: late }))
    await kernel.clock.sleep(2_000)
  })
})
