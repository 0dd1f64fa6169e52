import { callsOn } from '../../lib/change/calls'
import { Queue, type Place } from '../../lib/change/queue'
import { Kmod } from '../../lib/kmod'
import { rejection } from '../support/rejection'
import { SimulatedKernel } from '../../lib/testing/simulated-kernel'

let queue: Queue
beforeEach(() => {
  queue = new Queue()
})

/** Claims modules. `hasTurn` becomes true when it is the turn of the call. */
function claim(place: Place, ...modules: string[]) {
  const turn = place.claim(modules)
  const state = { hasTurn: turn === null }
  void turn?.then(() => (state.hasTurn = true))
  return state
}

/** Lets all promises that are settled take effect. */
const settle = () => new Promise((resolve) => setImmediate(resolve))

test('a call waits for an earlier call that touches the same module', async () => {
  const [first, second] = [queue.enter(), queue.enter()]
  expect(claim(first, 'a', 'b').hasTurn).toBe(true)
  const turn = claim(second, 'b', 'c')
  expect(turn.hasTurn).toBe(false)
  first.leave()
  await settle()
  expect(turn.hasTurn).toBe(true)
})

test('calls that touch different modules have their turn at the same time', () => {
  const [first, second] = [queue.enter(), queue.enter()]
  expect(claim(first, 'a').hasTurn).toBe(true)
  expect(claim(second, 'b').hasTurn).toBe(true)
})

test('a call waits for an earlier call that has not planned yet, and not for a later one', async () => {
  const [first, second, third] = [queue.enter(), queue.enter(), queue.enter()]
  const turn = claim(second, 'b')
  expect(turn.hasTurn).toBe(false)
  expect(claim(first, 'a').hasTurn).toBe(true)
  await settle()
  expect(turn.hasTurn).toBe(true)
  third.leave()
})

test('a call that planned last still has its turn first', async () => {
  const [first, second] = [queue.enter(), queue.enter()]
  const later = claim(second, 'a')
  expect(claim(first, 'a').hasTurn).toBe(true)
  await settle()
  expect(later.hasTurn).toBe(false)
})

test('other calls do not wait for a call that has left the queue', async () => {
  const [first, second, third] = [queue.enter(), queue.enter(), queue.enter()]
  claim(first, 'a')
  claim(second, 'a', 'b')
  const turn = claim(third, 'b')
  expect(turn.hasTurn).toBe(false)
  second.leave()
  await settle()
  expect(turn.hasTurn).toBe(true)
})

test('a call that touches nothing waits for nothing', () => {
  queue.enter()
  expect(claim(queue.enter()).hasTurn).toBe(true)
})

test('a call that plans again and needs more waits for the later call that has its turn with that', async () => {
  const [first, second] = [queue.enter(), queue.enter()]
  expect(claim(first, 'a').hasTurn).toBe(true)
  expect(claim(second, 'b').hasTurn).toBe(true)
  const turn = claim(first, 'a', 'b')
  expect(turn.hasTurn).toBe(false)
  // Both calls need both modules: the earlier call is first.
  const other = claim(second, 'a', 'b')
  await settle()
  expect([turn.hasTurn, other.hasTurn]).toEqual([true, false])
  first.leave()
  await settle()
  expect(other.hasTurn).toBe(true)
})

describe('a call that rests', () => {
  test('is not waited for, whether it is earlier or later', async () => {
    const [first, second, third] = [queue.enter(), queue.enter(), queue.enter()]
    claim(first, 'a')
    const turn = claim(second, 'a')
    first.rest()
    await settle()
    expect(turn.hasTurn).toBe(true)
    second.rest()
    expect(claim(third, 'a').hasTurn).toBe(true)
  })

  test('waits for a later call that has its turn by then', async () => {
    const [first, second] = [queue.enter(), queue.enter()]
    claim(first, 'a')
    first.rest()
    claim(second, 'a')
    const turn = claim(first, 'a')
    expect(turn.hasTurn).toBe(false)
    second.rest()
    await settle()
    expect(turn.hasTurn).toBe(true)
  })

  test('is before later calls that wait, when it claims again', async () => {
    const [first, second, third] = [queue.enter(), queue.enter(), queue.enter()]
    claim(first, 'a')
    first.rest()
    claim(second, 'a')
    const last = claim(third, 'a')
    const turn = claim(first, 'a')
    second.leave()
    await settle()
    expect([turn.hasTurn, last.hasTurn]).toEqual([true, false])
  })
})

test('1,000 calls for one module end in the order in which they were made', async () => {
  const order: number[] = []
  const calls = Array.from({ length: 1_000 }, async (_, i) => {
    const place = queue.enter()
    await settle()
    for (let turn; (turn = place.claim(['a'])) !== null;) await turn
    await settle()
    order.push(i)
    place.leave()
  })
  await Promise.all(calls)
  expect(order).toEqual([...calls.keys()])
})

test('1,000 unloads of one module end', async () => {
  const kernel = new SimulatedKernel().add('slow', { exitTime: 100 })
  const kmod = Kmod.over(kernel)
  const reports = await Promise.all(Array.from({ length: 1_000 }, () => kmod.unload('slow')))
  expect(kernel.removals).toEqual(['slow'])
  expect(reports.map(({ removed }) => removed.length)).toEqual([1, ...Array<number>(999).fill(0)])
})

describe('calls know of each other', () => {
  /** Another kernel object for the same system, such as that of a second Kmod. */
  const sameSystem = (kernel: SimulatedKernel): SimulatedKernel =>
    Object.create(kernel) as SimulatedKernel

  test('if their kernel objects are of one system', async () => {
    const kernel = new SimulatedKernel().add('slow', { exitTime: 1_000 })
    const [first, second] = await Promise.all([
      Kmod.over(kernel).unload('slow'),
      Kmod.over(sameSystem(kernel)).unload('slow'),
    ])
    expect([first.removed, second.absent]).toEqual([['slow'], ['slow']])
    expect(kernel.removals).toEqual(['slow'])
  })

  test('not if they are of different systems', async () => {
    const kernel = new SimulatedKernel().add('stuck', { exitTime: Infinity })
    const other = new SimulatedKernel().add('stuck', { state: 'unloading' })
    await rejection(Kmod.over(kernel).remove('stuck', { hungAfter: 10 }))
    expect(await rejection(Kmod.over(sameSystem(kernel)).unload('stuck'))).toMatchObject({
      code: 'ERR_KMOD_TRANSIENT',
      pid: 4242,
    })
    expect(await rejection(Kmod.over(other).unload('stuck'))).not.toHaveProperty('pid')
    expect(callsOn(kernel).queue).not.toBe(callsOn(other).queue)
  })
})

test('each of many waiting calls claims only a few times', async () => {
  const places = Array.from({ length: 500 }, () => queue.enter())
  let claims = 0
  let running = 0
  await Promise.all(
    places.map(async (place) => {
      for (;;) {
        claims++
        const turn = place.claim(['a'])
        if (turn === null) break
        await turn
      }
      expect(++running).toBe(1)
      await settle()
      running--
      place.leave()
    }),
  )
  expect(claims).toBeLessThanOrEqual(3 * places.length)
})
