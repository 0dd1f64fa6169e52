import { getEventListeners } from 'node:events'
import { Kmod } from '../../lib/kmod'
import { rejection } from '../support/rejection'
import { SimulatedKernel } from '../support/simulated-kernel'

/** A kernel that never answers: every question to it stays open. */
function silentKernel(): SimulatedKernel {
  const never = () => new Promise<never>(() => undefined)
  const kernel = new SimulatedKernel()
  const methods = ['table', 'row', 'sysModules', 'snapshot', 'facts', 'moduleNames'] as const
  for (const method of methods) kernel[method] = never
  const questions = Object.getOwnPropertyNames(Object.getPrototypeOf(kernel.index))
  for (const method of questions) Object.assign(kernel.index, { [method]: never })
  return kernel
}

const calls: [string, (kmod: Kmod, signal: AbortSignal) => Promise<unknown>][] = [
  ['list', (kmod, signal) => kmod.list({ signal })],
  ['find', (kmod, signal) => kmod.find('a', { signal })],
  ['holders', (kmod, signal) => kmod.holders('a', { signal })],
  ['status', (kmod, signal) => kmod.status('a', { signal })],
  ['isLoaded', (kmod, signal) => kmod.isLoaded('a', { signal })],
  ['isBuiltin', (kmod, signal) => kmod.isBuiltin('a', { signal })],
  ['info', (kmod, signal) => kmod.info('a', { signal })],
  ['resolve', (kmod, signal) => kmod.resolve('a', { signal })],
  ['preflight', (kmod, signal) => kmod.preflight({ signal })],
  ['plan', (kmod, signal) => kmod.plan('a', { signal })],
  ['explain', (kmod, signal) => kmod.explain('a', { signal })],
  ['graph', (kmod, signal) => kmod.graph('a', { signal })],
  ['impact', (kmod, signal) => kmod.impact('a', { signal })],
]

describe.each(calls)('%s', (_, call) => {
  test('rejects when its signal aborts, even if the kernel does not answer', async () => {
    const controller = new AbortController()
    const error = rejection(call(Kmod.over(silentKernel()), controller.signal))
    const reason = new Error('enough')
    setImmediate(() => controller.abort(reason))
    expect(await error).toMatchObject({
      name: 'AbortError',
      code: 'ERR_KMOD_ABORTED',
      cause: reason,
    })
  })

  test('asks nothing if its signal is aborted already', async () => {
    const kernel = silentKernel()
    const asked = jest.fn(() => Promise.reject(new Error('asked')))
    Object.assign(kernel, { table: asked, row: asked, facts: asked, sysModules: asked })
    const error = await rejection(call(Kmod.over(kernel), AbortSignal.abort('never')))
    expect(error).toMatchObject({ code: 'ERR_KMOD_ABORTED', cause: 'never' })
    expect(asked).not.toHaveBeenCalled()
  })
})

test('every call that only reads is in this list', () => {
  const calling = ['capture', 'unload', 'remove', 'load', 'reload', 'scope', 'trace', 'watch']
  const others = ['constructor', ...calling, 'close']
  const all = Object.getOwnPropertyNames(Kmod.prototype).filter((name) => !others.includes(name))
  expect(calls.map(([name]) => name).sort()).toEqual(all.sort())
})

test('a signal leaves no listener behind', async () => {
  const { signal } = new AbortController()
  const added = jest.spyOn(signal, 'addEventListener')
  await Kmod.over(new SimulatedKernel()).list({ signal })
  expect(added).toHaveBeenCalledTimes(1)
  expect(getEventListeners(signal, 'abort')).toEqual([])
})

test.each([{ signal: 5 }, { signl: undefined, wait: 1 }, null, 5])(
  'wrong options such as %p are a TypeError',
  async (options) => {
    const kmod = Kmod.over(new SimulatedKernel())
    expect(await rejection(kmod.list(options as never))).toMatchObject({ name: 'TypeError' })
    expect(await rejection(kmod.impact([], options as never))).toMatchObject({ name: 'TypeError' })
  },
)
