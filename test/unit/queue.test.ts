import { callsOn } from '../../lib/change/calls'
import { Queue, type Place } from '../../lib/change/queue'
import { Kmod } from '../../lib/kmod'
import { rejection } from '../support/rejection'
import { SimulatedKernel } from '../support/simulated-kernel'

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

test('a call that leaves while it waits is not waited for', async () => {
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
  // Both want both: the earlier call is first.
  const other = claim(second, 'a', 'b')
  await settle()
  expect([turn.hasTurn, other.hasTurn]).toEqual([true, false])
  first.leave()
  await settle()
  expect(other.hasTurn).toBe(true)
})

describe('a call inside a callback', () => {
  const enterInside = (place: Place): Place => place.run(() => queue.enter())

  test('does not wait for the outer call', () => {
    const outer = queue.enter()
    claim(outer, 'a')
    expect(claim(enterInside(outer), 'a').hasTurn).toBe(true)
  })

  test('does not wait for calls that wait for the outer call, directly or through others', () => {
    const [outer, second, third] = [queue.enter(), queue.enter(), queue.enter()]
    claim(outer, 'a')
    claim(second, 'a', 'b')
    claim(third, 'b', 'c')
    expect(claim(enterInside(outer), 'c').hasTurn).toBe(true)
  })

  test('waits for other calls', async () => {
    const [outer, other] = [queue.enter(), queue.enter()]
    claim(outer, 'a')
    claim(other, 'b')
    const turn = claim(enterInside(outer), 'a', 'b')
    expect(turn.hasTurn).toBe(false)
    other.leave()
    await settle()
    expect(turn.hasTurn).toBe(true)
  })

  test('waits for an earlier call inside the same callback', () => {
    const outer = queue.enter()
    claim(outer, 'a')
    const [one, two] = [enterInside(outer), enterInside(outer)]
    expect(claim(one, 'a').hasTurn).toBe(true)
    expect(claim(two, 'a').hasTurn).toBe(false)
  })

  test('goes on when the call that it waits for begins to wait for the outer call', async () => {
    const [running, outer, other] = [queue.enter(), queue.enter(), queue.enter()]
    claim(running, 'x')
    claim(outer, 'a')
    claim(other, 'x', 'b')
    const turn = claim(enterInside(outer), 'b')
    expect(turn.hasTurn).toBe(false)
    running.leave()
    // Its second plan needs a module of the outer call.
    claim(other, 'a', 'b')
    await settle()
    expect(turn.hasTurn).toBe(true)
  })

  test('does not wait for an outer call whose callback waits for this one', () => {
    const [one, two] = [queue.enter(), queue.enter()]
    claim(one, 'a')
    claim(two, 'b')
    expect(claim(enterInside(one), 'b').hasTurn).toBe(false)
    expect(claim(enterInside(two), 'a').hasTurn).toBe(true)
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
