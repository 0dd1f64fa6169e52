/** close() of a Kmod. With helper programs: test/lifecycle/answers. */
import { getEventListeners } from 'node:events'
import { IdleReaper } from '../../lib/idle-reaper'
import { Kmod } from '../../lib/kmod'
import { rejection } from '../support/rejection'
import { SimulatedKernel } from '../../lib/testing/simulated-kernel'

let kernel: SimulatedKernel
let kmod: Kmod
beforeEach(() => {
  kernel = new SimulatedKernel()
  kmod = Kmod.over(kernel)
})

test('close() of a Kmod that was not used does nothing', async () => {
  await kmod.close()
  expect(kernel.closings).toBe(0)
  await kmod.list()
  await Promise.all([kmod.close(), kmod.close()])
  expect(kernel.closings).toBe(1)
})

test('calls that run reject with ERR_KMOD_ABORTED; those with wrong options, with a TypeError', async () => {
  kernel.add('busy', { references: 1 }).add('slow', { exitTime: Infinity })
  const { signal } = new AbortController()
  const calls = [
    kmod.unload('busy', { wait: 60_000_000, signal }),
    kmod.remove('slow', { hungAfter: Infinity }),
  ].map(rejection)
  const wrong = rejection(kmod.unload('busy', { signal: 5 } as never))
  await kmod.list()
  await kmod.close()
  for (const error of await Promise.all(calls)) {
    expect(error).toMatchObject({
      code: 'ERR_KMOD_ABORTED',
      cause: { message: 'close() was called.' },
    })
  }
  expect(await wrong).toMatchObject({ name: 'TypeError' })
  expect(getEventListeners(signal, 'abort')).toEqual([])
})

test.each([0, -1, '5', null])('a timeout of %p is a TypeError', (timeout) => {
  expect(() => new Kmod({ timeout: timeout as number })).toThrow(TypeError)
})

test('traces end', async () => {
  kernel.add('a')
  const events: unknown[] = []
  const reading = (async () => {
    for await (const event of kmod.trace('a')) events.push(event)
  })()
  await kmod.close()
  await reading
  expect(events).toEqual([])
})

test('watches end', async () => {
  const watch = kmod.watch()
  const reading = watch.next()
  await kmod.close()
  expect(await reading).toEqual({ done: true, value: undefined })
})

test('the calls of a scope end', async () => {
  kernel.addToIndex({ name: 'a' })
  const scope = await kmod.scope({ wait: 60_000_000 })
  await scope.load('a')
  kernel.modules.get('a')!.references = 1
  const disposal = rejection(scope.dispose())
  await kmod.list()
  await kmod.close()
  expect(await disposal).toMatchObject({
    code: 'ERR_KMOD_ABORTED',
    cause: { message: 'close() was called.' },
  })
})

test('a reaper stops, and can be started again', async () => {
  kernel.add('idle')
  const reaper = new IdleReaper({ candidates: ['*'], kmod, interval: 1 })
  const errors: unknown[] = []
  reaper.on('error', (error) => errors.push(error))
  expect((await reaper.pass()).tagged).toEqual(['idle'])
  await kmod.close()
  expect([...kernel.watches].map(({ state }) => state)).toEqual(['gone'])
  // What was tagged is forgotten.
  expect((await reaper.pass()).tagged).toEqual(['idle'])
  expect((await reaper.pass()).removed).toEqual(['idle'])
  await reaper.stop()
  expect(errors).toEqual([])
})

test('close() resolves although a call does not end', async () => {
  const never = (): Promise<never> => new Promise(() => undefined)
  kernel.table = never
  const plan = rejection(kmod.plan('a'))
  await kmod.close()
  expect(await plan).toMatchObject({ code: 'ERR_KMOD_ABORTED' })
})
