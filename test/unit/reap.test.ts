/** IdleReaper, with the clock of the simulated kernel. */
import { IdleReaper, type IdleReaperOptions } from '../../lib/idle-reaper'
import { Kmod } from '../../lib/kmod'
import type { RemovalPolicy } from '../../lib/kernel/module-index'
import { SimulatedKernel } from '../../lib/testing/simulated-kernel'
import { netInterface, openDevice } from '../support/snapshots'

let kernel: SimulatedKernel
beforeEach(() => {
  kernel = new SimulatedKernel()
})

const reaper = (options: Partial<IdleReaperOptions> = {}): IdleReaper =>
  new IdleReaper({ candidates: ['*'], kmod: Kmod.over(kernel), ...options })

/** The next turn of the event loop: the simulated clock does not advance. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('a module that is idle at two passes is removed', async () => {
  kernel.add('idle')
  const one = reaper()
  expect(await one.pass()).toEqual({ tagged: ['idle'], spared: [], removed: [], blocked: [] })
  expect(await one.pass()).toEqual({ tagged: [], spared: [], removed: ['idle'], blocked: [] })
  expect(kernel.modules.size).toBe(0)
  await one.stop()
})

test('candidates and keep are patterns', async () => {
  for (const name of ['snd_a', 'snd_b', 'snd_c', 'usb']) kernel.add(name)
  const one = reaper({ candidates: ['snd-?'], keep: ['snd_[ab]'] })
  expect(await one.pass()).toEqual({
    tagged: ['snd_c'],
    spared: [
      { module: 'snd_b', reason: 'kept' },
      { module: 'snd_a', reason: 'kept' },
    ],
    removed: [],
    blocked: [],
  })
})

const policy = (parts: Partial<RemovalPolicy>): void => void kernel.policies.set('card', parts)

test.each<[string, () => unknown]>([
  ['in-use', () => (kernel.modules.get('card')!.references = 1)],
  ['in-use', () => (kernel.modules.get('card')!.state = 'loading')],
  [
    'in-use',
    () => kernel.snapshotNow.openDevices.push(openDevice(1, '/dev/x', { modules: ['card'] })),
  ],
  ['held', () => kernel.add('holder', { uses: ['card'] })],
  ['permanent', () => (kernel.modules.get('card')!.permanent = true)],
  ['configured', () => policy({ configured: true })],
  ['command', () => policy({ removeCommand: '/bin/true' })],
  ['effect', () => kernel.snapshotNow.interfaces.push(netInterface('eth0', { modules: ['card'] }))],
  [
    'device',
    () =>
      kernel.snapshotNow.boundDevices.push({
        bus: 'pci',
        device: '0000:00:02.0',
        driver: 'card',
        modules: ['card'],
      }),
  ],
])('spared: %s', async (reason, set) => {
  kernel.add('card')
  set()
  const one = reaper({ candidates: ['card'] })
  expect((await one.pass()).spared).toEqual([{ module: 'card', reason }])
  expect((await one.pass()).removed).toEqual([])
  expect(kernel.removals).toEqual([])
})

test('a use between two passes spares it for one more pass', async () => {
  kernel.add('card')
  const one = reaper()
  await one.pass()
  kernel.uses!.set('card', 1)
  expect(await one.pass()).toEqual({
    tagged: ['card'],
    spared: [{ module: 'card', reason: 'used-since' }],
    removed: [],
    blocked: [],
  })
  expect((await one.pass()).removed).toEqual(['card'])
})

test('what the pass itself uses does not count', async () => {
  kernel.add('card')
  const look = kernel.snapshot.bind(kernel)
  kernel.snapshot = () => {
    kernel.uses!.set('card', (kernel.uses!.get('card') ?? 0) + 1)
    return look()
  }
  const one = reaper()
  await one.pass()
  expect((await one.pass()).removed).toEqual(['card'])
})

test('without counts, a module that was loaded meanwhile shows what it used', async () => {
  kernel.uses = null
  kernel.addToIndex({ name: 'base' }, { name: 'user', uses: ['base'] })
  kernel.add('base').add('other')
  const one = reaper({ candidates: ['base', 'other'] })
  await one.pass()
  kernel.add('user', { uses: ['base'] })
  kernel.modules.delete('user')
  await turn()
  expect(await one.pass()).toMatchObject({
    removed: ['other'],
    spared: [{ module: 'base', reason: 'used-since' }],
  })
  expect((await one.pass()).removed).toEqual(['base'])
})

test('lost events count as a use of everything', async () => {
  kernel.uses = null
  kernel.add('card')
  const one = reaper()
  await one.pass()
  const lost = { action: 'overrun', module: null, sequence: 1, at: new Date(0) } as const
  for (const watch of kernel.watches) watch.add(lost)
  await turn()
  expect((await one.pass()).removed).toEqual([])
  expect((await one.pass()).removed).toEqual(['card'])
})

test('a module that was removed and loaded again is not the one that was tagged', async () => {
  kernel.uses = null
  kernel.watchProblem = Object.assign(new Error('no events'), { code: 'ERR_KMOD_UNSUPPORTED' })
  kernel.add('card')
  const one = reaper()
  await one.pass()
  kernel.modules.delete('card')
  kernel.add('card')
  expect((await one.pass()).removed).toEqual([])
  expect((await one.pass()).removed).toEqual(['card'])
})

test('dryRun removes nothing', async () => {
  kernel.add('card')
  const one = reaper({ dryRun: true })
  await one.pass()
  expect((await one.pass()).removed).toEqual(['card'])
  expect(kernel.removals).toEqual([])
})

test('the failure of one module does not end the pass', async () => {
  kernel.add('first').add('second').add('third')
  const one = reaper()
  const errors: unknown[] = []
  one.on('error', (error) => errors.push(error))
  await one.pass()
  kernel.beforeRemoval = (name) => {
    if (name === 'third') kernel.modules.get('third')!.references = 1
    if (name === 'second') kernel.modules.get('second')!.oops = true
  }
  expect(await one.pass()).toMatchObject({
    removed: ['first'],
    blocked: [{ code: 'ERR_KMOD_IN_USE', module: 'third', references: 1 }],
  })
  expect(errors).toMatchObject([{ code: 'ERR_KMOD_SYSTEM', module: 'second' }])
})

test('start makes a pass at once and after each interval, with events', async () => {
  kernel.add('card').add('busy', { references: 1 })
  const one = reaper({ interval: 5_000 })
  const events: unknown[] = []
  one.on('tagged', (module) => events.push(['tagged', module, kernel.clock.now()]))
  one.on('spared', (module, reason) => events.push(['spared', module, reason]))
  const removed = new Promise<string>((resolve) => one.on('removed', resolve))
  one.start()
  one.start()
  expect(await removed).toBe('card')
  expect(kernel.clock.now()).toBe(5_000)
  expect(events.slice(0, 2)).toEqual([
    ['spared', 'busy', 'in-use'],
    ['tagged', 'card', 0],
  ])
  await one.stop()
})

test('stop waits for the pass that runs, and nothing happens after it', async () => {
  kernel.add('slow', { exitTime: 1_000 }).add('other')
  const one = reaper()
  await one.pass()
  let passes = 0
  one.on('pass', () => passes++)
  const began = new Promise<void>((resolve) => (kernel.beforeRemoval = () => resolve()))
  one.start()
  await began
  await one.stop()
  const { removals } = kernel
  const count = removals.length
  expect([...kernel.modules.values()].every(({ state }) => state === 'live')).toBe(true)
  await kernel.clock.sleep(1_000_000)
  expect(kernel.removals).toHaveLength(count)
  expect(passes).toBeLessThanOrEqual(1)
})

test('a signal stops it', async () => {
  kernel.add('card')
  const controller = new AbortController()
  const one = reaper({ signal: controller.signal, interval: 1_000 })
  one.on('tagged', () => controller.abort())
  one.start()
  await kernel.clock.sleep(10_000)
  expect(kernel.removals).toEqual([])
})

test('an error of a pass is an event; pass() rejects with it', async () => {
  kernel.hasTable = false
  const one = reaper()
  await expect(one.pass()).rejects.toMatchObject({ code: 'ERR_KMOD_UNSUPPORTED' })
  const failed = new Promise((resolve) => one.on('error', resolve))
  one.start()
  expect(await failed).toMatchObject({ code: 'ERR_KMOD_UNSUPPORTED' })
  await one.stop()
})

test.each([
  [undefined],
  [{}],
  [{ candidates: 'x' }],
  [{ candidates: [''] }],
  [{ candidates: ['[z-a]'] }],
  [{ candidates: ['a'], interval: 0 }],
  [{ candidates: ['a'], kepp: [] }],
])('wrong options: %p', (options) => {
  expect(() => new IdleReaper(options as unknown as IdleReaperOptions)).toThrow(TypeError)
})
