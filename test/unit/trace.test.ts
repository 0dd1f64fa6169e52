import { KmodError } from '../../lib/contract/errors'
import { Kmod } from '../../lib/kmod'
import { SimulatedKernel } from '../support/simulated-kernel'

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

/** Has it settled by now? */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false
  promise.then(
    () => (settled = true),
    () => (settled = true),
  )
  await new Promise((resolve) => setImmediate(resolve))
  return settled
}

test('it begins with the call, not with the first next', async () => {
  const { events, source } = begin()
  expect(source.module).toBe('snd_pcm')
  source.tell({ pid: 7 })
  source.tell({ pid: 8, action: 'put' })
  expect(await events.next()).toMatchObject({ done: false, value: { pid: 7, action: 'get' } })
  expect(await events.next()).toMatchObject({ done: false, value: { pid: 8, action: 'put' } })
  await events.return!()
})

test('several next() at once get the events in their order', async () => {
  const { events, source } = begin()
  const three = [events.next(), events.next(), events.next()]
  for (const pid of [1, 2, 3]) source.tell({ pid })
  const results = await Promise.all(three)
  expect(results.map(({ value }) => (value as { pid: number }).pid)).toEqual([1, 2, 3])
  await events.return!()
})

test.each([
  ['a name that cannot be', ['a/b'], 'ERR_INVALID_ARG_VALUE'],
  ['a name with a quote', ['a"b'], 'ERR_INVALID_ARG_VALUE'],
  ['no string', [null], 'ERR_INVALID_ARG_TYPE'],
  ['an unknown option', ['tun', { wait: 1 }], 'ERR_INVALID_ARG_VALUE'],
  ['a signal that is none', ['tun', { signal: 'x' }], 'ERR_INVALID_ARG_VALUE'],
])('%s is thrown by the first next, once', async (_, args, code) => {
  const events = kmod.trace(...(args as [string]))
  expect(kernel.traces).toEqual([])
  await expect(events.next()).rejects.toMatchObject({ name: 'TypeError', code })
  expect(await events.next()).toEqual(DONE)
  expect(await events.return!()).toEqual(DONE)
})

test('a kernel that cannot be traced is told by the first next', async () => {
  kernel.traceProblem = new KmodError('ERR_KMOD_UNSUPPORTED', 'no tracefs')
  const events = kmod.trace('tun')
  await expect(events.next()).rejects.toBe(kernel.traceProblem)
  expect(await events.next()).toEqual(DONE)
})

test('a failure that nobody asks for goes by', async () => {
  kernel.traceProblem = new KmodError('ERR_KMOD_UNSUPPORTED', 'no tracefs')
  const events = kmod.trace('tun')
  await isSettled(Promise.resolve())
  expect(await events.return!()).toEqual(DONE)
})

test('a trace that breaks off tells the first who waits, and is closed', async () => {
  const { events, source } = begin()
  const waiting = [events.next(), events.next()]
  const error = new KmodError('ERR_KMOD_SYSTEM', 'the helper ended')
  source.fail(error)
  await expect(waiting[0]).rejects.toBe(error)
  expect(await waiting[1]).toEqual(DONE)
  expect(source.state).toBe('gone')
  expect(await events.next()).toEqual(DONE)
})

describe('the end', () => {
  test('by break comes when nothing is left in the kernel', async () => {
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

  test('by an exception in the loop comes likewise', async () => {
    const { events, source } = begin()
    source.tell()
    const loop = async () => {
      for await (const event of events) throw new Error(event.caller)
    }
    await expect(loop()).rejects.toThrow('simulated_open')
    expect(source.state).toBe('gone')
  })

  test('by disposal, and again, comes once', async () => {
    const { events, source } = begin()
    await events[Symbol.asyncDispose]()
    expect(source.state).toBe('gone')
    await events[Symbol.asyncDispose]()
    expect(await events.return!()).toEqual(DONE)
    expect(await events.next()).toEqual(DONE)
  })

  test('lets those go who wait, and what was not read', async () => {
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

  test('rejects the next that waits, when nothing is left in the kernel', async () => {
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

  test('rejects the next that comes, whatever was not read', async () => {
    const controller = new AbortController()
    const { events, source } = begin({ signal: controller.signal })
    source.tell()
    controller.abort('why')
    await expect(events.next()).rejects.toMatchObject(aborted)
    expect(await events.next()).toEqual(DONE)
  })

  test('that is aborted already lets nothing begin', async () => {
    const events = kmod.trace('snd_pcm', { signal: AbortSignal.abort('why') })
    expect(kernel.traces).toEqual([])
    await expect(events.next()).rejects.toMatchObject(aborted)
    expect(await events.next()).toEqual(DONE)
  })

  test('that comes after the end is not heard, and none is kept listening to', async () => {
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

test('a captured system has nothing to trace', async () => {
  const events = new Kmod({ root: '/nowhere', kernelRelease: '6.1' }).trace('tun')
  await expect(events.next()).rejects.toMatchObject({ code: 'ERR_KMOD_UNSUPPORTED' })
})
