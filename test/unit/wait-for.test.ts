/** The option `waitFor` of unload: which blockers the call waits for. */
import { Kmod } from '../../lib/kmod'
import { rejection } from '../support/rejection'
import { SimulatedKernel } from '../../lib/testing/simulated-kernel'

let kernel: SimulatedKernel
let kmod: Kmod
beforeEach(() => {
  kernel = new SimulatedKernel().add('base').add('top', { uses: ['base'] })
  kmod = Kmod.over(kernel)
})

test("'held': the call waits until the holder is removed by something else", async () => {
  kernel.after(700, () => kernel.modules.delete('top'))
  const report = await kmod.unload('base', { wait: 10_000, waitFor: ['held'] })
  expect(report.removed).toEqual(['base'])
  expect(kernel.clock.now()).toBeGreaterThanOrEqual(700)
  expect(kernel.removals).toEqual(['base'])
})

test('a holder that stays is the cause of the timeout', async () => {
  expect(await rejection(kmod.unload('base', { wait: 1_000, waitFor: ['held'] }))).toMatchObject({
    code: 'ERR_KMOD_TIMEOUT',
    blocker: { code: 'ERR_KMOD_HELD', holders: ['top'] },
    cause: { code: 'ERR_KMOD_HELD' },
  })
  expect(kernel.clock.now()).toBe(1_000)
})

test('a holder that is loaded in the middle is waited for, too', async () => {
  kernel.modules.delete('top')
  let isFirst = true
  kernel.beforeRemoval = () => {
    if (!isFirst) return
    isFirst = false
    kernel.add('top', { uses: ['base'] }).after(300, () => kernel.modules.delete('top'))
  }
  const report = await kmod.unload('base', { wait: 5_000, waitFor: ['held'] })
  expect(report.removed).toEqual(['base'])
})

test.each([
  ['in-use', 'ERR_KMOD_IN_USE', { references: 1 }],
  ['transient', 'ERR_KMOD_TRANSIENT', { state: 'unloading' as const }],
])('without %p in the list, the blocker rejects at once', async (left, code, properties) => {
  kernel.add('busy', properties)
  const all = ['in-use', 'transient', 'held'] as const
  const waitFor = all.filter((one) => one !== left)
  expect(await rejection(kmod.unload('busy', { wait: 5_000, waitFor }))).toMatchObject({ code })
  expect(kernel.clock.now()).toBe(0)
})

test('a blocker that is not waited for wins over one that is', async () => {
  kernel.modules.get('base')!.references = 1
  const options = { wait: 5_000, waitFor: ['held'] as const }
  expect((await rejection(kmod.unload('base', options))).code).toBe('ERR_KMOD_IN_USE')
  expect((await rejection(kmod.unload('base', { wait: 5_000 }))).code).toBe('ERR_KMOD_HELD')
  expect(kernel.clock.now()).toBe(0)
})

test('without wait, nothing is waited for', async () => {
  expect((await rejection(kmod.unload('base', { waitFor: ['held'] }))).code).toBe('ERR_KMOD_HELD')
})

test('a wrong word is a TypeError that names the nearest one', async () => {
  const wrong = { waitFor: ['hold'] } as unknown as { waitFor: [] }
  await expect(kmod.unload('base', wrong)).rejects.toThrow(/held/)
})
