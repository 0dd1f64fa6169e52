/** watch(): the iterator; test/vm has the kernel's events. */
import { KmodError } from '../../lib/contract/errors'
import { Kmod } from '../../lib/kmod'
import { rejection } from '../support/rejection'
import { SimulatedKernel } from '../../lib/testing/simulated-kernel'

let kernel: SimulatedKernel
let kmod: Kmod
beforeEach(() => {
  kernel = new SimulatedKernel().addToIndex({ name: 'snd_dummy' })
  kmod = Kmod.over(kernel)
})

const DONE = { done: true, value: undefined }

test('what happens after the call is reported, in order', async () => {
  const events = kmod.watch()
  await kmod.load('snd-dummy')
  await kmod.unload('snd-dummy')
  expect((await events.next()).value).toMatchObject({ action: 'load', module: 'snd_dummy' })
  expect((await events.next()).value).toMatchObject({ action: 'unload', module: 'snd_dummy' })
  expect(await events.return!()).toEqual(DONE)
  expect([...kernel.watches].map(({ state }) => state)).toEqual(['gone'])
  expect(await events.next()).toEqual(DONE)
})

test.each(['snd-dummy', ['other', 'snd_dummy']])('only the modules %p', async (modules) => {
  const events = kmod.watch({ modules })
  const next = events.next()
  kernel.add('stranger').add('snd_dummy')
  expect((await next).value).toMatchObject({ module: 'snd_dummy' })
})

test('an overrun is for every filter', async () => {
  const events = kmod.watch({ modules: 'a' })
  const overrun = { action: 'overrun', module: null, sequence: 7, at: new Date(0) } as const
  for (const watch of kernel.watches) watch.add(overrun)
  expect((await events.next()).value).toEqual(overrun)
})

test('a failure to open is the error of the first next()', async () => {
  kernel.watchProblem = new KmodError('ERR_KMOD_UNSUPPORTED', 'no events here')
  const events = kmod.watch()
  expect((await rejection(events.next())).code).toBe('ERR_KMOD_UNSUPPORTED')
  expect(await events.next()).toEqual(DONE)
})

test('an abort ends a pending next()', async () => {
  const controller = new AbortController()
  const events = kmod.watch({ signal: controller.signal })
  const next = events.next()
  controller.abort()
  expect(await rejection(next)).toMatchObject({ code: 'ERR_KMOD_ABORTED', name: 'AbortError' })
  expect(await events.next()).toEqual(DONE)
})

test('wrong names are a TypeError', async () => {
  const wrong = { modules: ['a b'] }
  await expect(kmod.watch(wrong).next()).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' })
  const number = { modules: 5 } as unknown as { modules: string }
  await expect(kmod.watch(number).next()).rejects.toThrow(TypeError)
})
