import { waitFor } from '../../lib/change/waiting'
import { hostClock } from '../../lib/kernel/clock'
import { SimulatedClock } from '../../lib/testing/simulated-clock'

const never = new Promise<never>(() => undefined)

let clock: SimulatedClock
beforeEach(() => {
  clock = new SimulatedClock()
})

test('ends with the value of the promise', async () => {
  const wait = waitFor(clock, Promise.resolve(7), { timeout: 1_000 })
  expect(await wait).toEqual({ ended: 'done', value: 7 })
  expect(clock.now()).toBe(0)
})

test('ends when the time is up', async () => {
  expect(await waitFor(clock, never, { timeout: 1_000 })).toEqual({ ended: 'timeout' })
  expect(clock.now()).toBe(1_000)
})

test('ends when the signal aborts', async () => {
  const controller = new AbortController()
  const wait = waitFor(clock, never, { signal: controller.signal })
  controller.abort()
  expect(await wait).toEqual({ ended: 'aborted', signal: controller.signal })
})

test('ends at once if the signal is already aborted', async () => {
  const signal = AbortSignal.abort()
  expect(await waitFor(clock, never, { signal })).toEqual({ ended: 'aborted', signal })
})

test('rejects as the promise does', async () => {
  const error = new Error('no')
  await expect(waitFor(clock, Promise.reject(error), { timeout: 1_000 })).rejects.toBe(error)
})

test('a promise that has settled takes precedence over the deadline and the signal', async () => {
  const settled = Promise.resolve('value')
  const done = { ended: 'done', value: 'value' }
  expect(await waitFor(clock, settled, { timeout: 0 })).toEqual(done)
  expect(await waitFor(clock, settled, { signal: AbortSignal.abort() })).toEqual(done)
})

test.each(['done', 'timeout', 'aborted'])(
  'leaves no timer and no listener after %s',
  async (how) => {
    const controller = new AbortController()
    const { signal } = controller
    let settle!: () => void
    const promise = new Promise<void>((resolve) => (settle = resolve))
    const listening: boolean[] = []
    const { sleep } = clock
    clock.sleep = async (delay, over) => {
      await sleep.call(clock, delay, over)
      listening.push(over!.aborted)
    }
    const added = jest.spyOn(signal, 'addEventListener')
    const wait = waitFor(clock, promise, { timeout: how === 'timeout' ? 5 : 60_000, signal })
    if (how === 'done') settle()
    if (how === 'aborted') controller.abort()
    expect(await wait).toMatchObject({ ended: how })
    // Each listener was added with a signal that removes it.
    expect(
      added.mock.calls.map(([, , options]) => (options as { signal: AbortSignal }).signal.aborted),
    ).toEqual([true])
    await new Promise(setImmediate)
    // The sleep has ended, either by itself or because the wait was over.
    expect(listening).toEqual([how !== 'timeout'])
  },
)

test('a promise that rejects after the end is not an unhandled rejection', async () => {
  let fail!: (error: Error) => void
  const promise = new Promise<never>((_, reject) => (fail = reject))
  expect(await waitFor(hostClock, promise, { timeout: 1 })).toEqual({ ended: 'timeout' })
  const unhandled = jest.fn()
  process.once('unhandledRejection', unhandled)
  fail(new Error('late'))
  await new Promise(setImmediate)
  process.off('unhandledRejection', unhandled)
  expect(unhandled).not.toHaveBeenCalled()
})
