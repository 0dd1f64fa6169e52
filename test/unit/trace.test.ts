import { KmodError } from '../../lib/contract/errors'
import { Kmod } from '../../lib/kmod'
import { SimulatedKernel } from '../../lib/testing/simulated-kernel'

let kernel: SimulatedKernel
let kmod: Kmod
beforeEach(() => {
  kernel = new SimulatedKernel()
  kmod = Kmod.over(kernel)
})

const DONE = { done: true, value: undefined }

function begin(options?: { signal?: AbortSignal }) {
  const events = kmod.trace('snd-pcm', options)
  return { events, source: kernel.traces.at(-1)! }
}

/** Whether the promise has settled by now. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false
  promise.then(
    () => (settled = true),
    () => (settled = true),
  )
  await new Promise((resolve) => setImmediate(resolve))
  return settled
}

test('a trace begins with the call, not with the first next()', async () => {
  const { events, source } = begin()
  expect(source.module).toBe('snd_pcm')
  source.tell({ pid: 7 })
  source.tell({ pid: 8, action: 'put' })
  expect(await events.next()).toMatchObject({ done: false, value: { pid: 7, action: 'get' } })
  expect(await events.next()).toMatchObject({ done: false, value: { pid: 8, action: 'put' } })
  await events.return!()
})

test('several calls of next() at once get the events in their order', async () => {
  const { events, source } = begin()
  const three = [events.next(), events.next(), events.next()]
  for (const pid of [1, 2, 3]) source.tell({ pid })
  const results = await Promise.all(three)
  expect(results.map(({ value }) => (value as { pid: number }).pid)).toEqual([1, 2, 3])
  await events.return!()
})

test.each([
  ['a wrong name', ['a/b'], 'ERR_INVALID_ARG_VALUE'],
  ['a name with a quote', ['a"b'], 'ERR_INVALID_ARG_VALUE'],
  ['a name that is not a string', [null], 'ERR_INVALID_ARG_TYPE'],
  ['an unknown option', ['tun', { wait: 1 }], 'ERR_INVALID_ARG_VALUE'],
  ['a wrong signal', ['tun', { signal: 'x' }], 'ERR_INVALID_ARG_VALUE'],
])('the first next() rejects for %s, once', async (_, args, code) => {
  const events = kmod.trace(...(args as [string]))
  expect(kernel.traces).toEqual([])
  await expect(events.next()).rejects.toMatchObject({ name: 'TypeError', code })
  expect(await events.next()).toEqual(DONE)
  expect(await events.return!()).toEqual(DONE)
})

test('the first next() rejects if the kernel cannot be traced', async () => {
  kernel.traceProblem = new KmodError('ERR_KMOD_UNSUPPORTED', 'no tracefs')
  const events = kmod.trace('tun')
  await expect(events.next()).rejects.toBe(kernel.traceProblem)
  expect(await events.next()).toEqual(DONE)
})

test('an error that is never read is not an unhandled rejection', async () => {
  kernel.traceProblem = new KmodError('ERR_KMOD_UNSUPPORTED', 'no tracefs')
  const events = kmod.trace('tun')
  await isSettled(Promise.resolve())
  expect(await events.return!()).toEqual(DONE)
})

test('when a trace ends by itself, the first waiting next() rejects and the trace is closed', async () => {
  const { events, source } = begin()
  const waiting = [events.next(), events.next()]
  const error = new KmodError('ERR_KMOD_SYSTEM', 'the helper ended')
  source.fail(error)
  await expect(waiting[0]).rejects.toBe(error)
  expect(await waiting[1]).toEqual(DONE)
  expect(source.state).toBe('gone')
  expect(await events.next()).toEqual(DONE)
})

describe('ending a trace', () => {
  test('with break waits until nothing is left in the kernel', async () => {
    const { events, source } = begin()
    source.tell()
    source.lingers = true
    const loop = (async () => {
      for await (const { pid } of events) {
        expect(pid).toBe(1)
        break
      }
    })()
    expect(await isSettled(loop)).toBe(false)
    expect(source.state).toBe('closing')
    source.leave()
    await loop
    expect(source.state).toBe('gone')
    expect(await events.next()).toEqual(DONE)
  })

  test('with an exception in the loop closes it', async () => {
    const { events, source } = begin()
    source.tell()
    const loop = async () => {
      for await (const event of events) throw new Error(event.caller)
    }
    await expect(loop()).rejects.toThrow('simulated_open')
    expect(source.state).toBe('gone')
  })

  test('with disposal can be repeated', async () => {
    const { events, source } = begin()
    await events[Symbol.asyncDispose]()
    expect(source.state).toBe('gone')
    await events[Symbol.asyncDispose]()
    expect(await events.return!()).toEqual(DONE)
    expect(await events.next()).toEqual(DONE)
  })

  test('ends waiting calls of next() and drops unread events', async () => {
    const { events, source } = begin()
    const waiting = [events.next(), events.next()]
    await events.return!()
    expect(await Promise.all(waiting)).toEqual([DONE, DONE])
    source.tell()
    expect(await events.next()).toEqual(DONE)
  })
})

describe('the signal', () => {
  const aborted = { name: 'AbortError', code: 'ERR_KMOD_ABORTED', module: 'snd_pcm', cause: 'why' }

  test('makes the waiting next() reject when nothing is left in the kernel', async () => {
    const controller = new AbortController()
    const { events, source } = begin({ signal: controller.signal })
    source.lingers = true
    const waiting = [events.next(), events.next()]
    controller.abort('why')
    expect(await isSettled(waiting[0]!)).toBe(false)
    source.leave()
    await expect(waiting[0]).rejects.toMatchObject(aborted)
    expect(await waiting[1]).toEqual(DONE)
    expect(source.state).toBe('gone')
    expect(await events.next()).toEqual(DONE)
  })

  test('makes the following next() reject, and drops unread events', async () => {
    const controller = new AbortController()
    const { events, source } = begin({ signal: controller.signal })
    source.tell()
    controller.abort('why')
    await expect(events.next()).rejects.toMatchObject(aborted)
    expect(await events.next()).toEqual(DONE)
  })

  test('that is already aborted prevents the trace', async () => {
    const events = kmod.trace('snd_pcm', { signal: AbortSignal.abort('why') })
    expect(kernel.traces).toEqual([])
    await expect(events.next()).rejects.toMatchObject(aborted)
    expect(await events.next()).toEqual(DONE)
  })

  test('has no listener left after the end', async () => {
    const controller = new AbortController()
    const added = jest.spyOn(controller.signal, 'addEventListener')
    const removed = jest.spyOn(controller.signal, 'removeEventListener')
    const { events } = begin({ signal: controller.signal })
    await events.return!()
    const ours = added.mock.calls.map(([, listener]) => listener)
    expect(removed.mock.calls.map(([, listener]) => listener)).toEqual(expect.arrayContaining(ours))
    controller.abort('why')
    expect(await events.next()).toEqual(DONE)
  })
})

test('a captured system cannot be traced', async () => {
  const events = new Kmod({ root: '/nowhere', kernelRelease: '6.1' }).trace('tun')
  await expect(events.next()).rejects.toMatchObject({ code: 'ERR_KMOD_UNSUPPORTED' })
})
