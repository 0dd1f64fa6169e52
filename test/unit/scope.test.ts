/** scope(): modules that are loaded for a limited time. */
import { Kmod } from '../../lib/kmod'
import { rejection } from '../support/rejection'
import { SimulatedKernel } from '../../lib/testing/simulated-kernel'

let kernel: SimulatedKernel
let kmod: Kmod
beforeEach(() => {
  kernel = new SimulatedKernel()
    .addToIndex(
      { name: 'llc' },
      { name: 'stp', uses: ['llc'] },
      { name: 'bridge', uses: ['stp', 'llc'] },
      { name: 'dummy' },
    )
    .add('before')
  kmod = Kmod.over(kernel)
})

const loaded = (): string[] => [...kernel.modules.keys()]

test('what was loaded is unloaded, the newest first, with its dependencies', async () => {
  const scope = await kmod.scope()
  expect((await scope.load('bridge')).loaded).toEqual(['llc', 'stp', 'bridge'])
  await scope.load('dummy')
  expect(scope.loaded).toEqual(['llc', 'stp', 'bridge', 'dummy'])
  const report = await scope.dispose()
  expect(report.removed).toEqual(['dummy', 'bridge', 'stp', 'llc'])
  expect(loaded()).toEqual(['before'])
  expect(scope.dispose()).toBe(scope.dispose())
  expect(await scope.dispose()).toBe(report)
})

test('what was loaded before stays', async () => {
  kernel.add('llc')
  const scope = await kmod.scope()
  await scope.load('bridge')
  await scope.load('before')
  await scope.dispose()
  expect(loaded()).toEqual(['before', 'llc'])
})

test('a dependency that something else uses is kept', async () => {
  const scope = await kmod.scope({ wait: 0 })
  await scope.load('bridge')
  kernel.add('other', { uses: ['llc'] })
  expect(await scope.dispose()).toMatchObject({
    removed: ['bridge', 'stp'],
    kept: [{ module: 'llc', reason: 'held' }],
  })
})

test('a target that stays is the error, after waiting', async () => {
  const scope = await kmod.scope()
  await scope.load('dummy')
  kernel.modules.get('dummy')!.references = 1
  expect((await rejection(scope.dispose())).code).toBe('ERR_KMOD_TIMEOUT')
  expect(kernel.clock.now()).toBe(10_000)
})

test('one that was loaded again meanwhile is unloaded, one that was removed is absent', async () => {
  const scope = await kmod.scope()
  await scope.load('dummy')
  await scope.load('bridge')
  await kmod.reload('dummy')
  kernel.modules.delete('bridge')
  expect(await scope.dispose()).toMatchObject({
    removed: ['dummy', 'stp', 'llc'],
    absent: ['bridge'],
  })
})

test('what came in before a failure is remembered', async () => {
  kernel.addToIndex({ name: 'bad', uses: ['llc'], refuses: ['EINVAL', 22] })
  const scope = await kmod.scope()
  expect((await rejection(scope.load('bad'))).code).toBe('ERR_KMOD_LOAD')
  expect(scope.loaded).toEqual(['llc'])
  expect((await scope.dispose()).removed).toEqual(['llc'])
})

test('check tells what the kernel reported since the last check, and what others loaded', async () => {
  const scope = await kmod.scope()
  await scope.load('dummy')
  expect(await scope.check()).toEqual({ newTaints: [], messages: [], clean: true, leftovers: [] })
  kernel.add('stranger')
  kernel.logLines!.push('WARNING: CPU: 0')
  kernel.tainted = 512n
  expect(await scope.check()).toEqual({
    newTaints: ['WARN'],
    messages: ['WARNING: CPU: 0'],
    clean: false,
    leftovers: ['stranger'],
  })
  expect(await scope.check()).toMatchObject({ newTaints: [], messages: [], clean: true })
  await scope.dispose()
  expect(loaded()).toEqual(['before', 'stranger'])
})

test('the taints of loading do not count', async () => {
  const scope = await kmod.scope()
  kernel.tainted = 0x3000n
  expect(await scope.check()).toMatchObject({
    newTaints: ['OOT_MODULE', 'UNSIGNED_MODULE'],
    clean: true,
  })
})

test('an asyncDispose ends the scope, and it loads nothing more', async () => {
  const scope = await kmod.scope()
  const loading = scope.load('dummy')
  await scope[Symbol.asyncDispose]()
  expect((await loading).loaded).toEqual(['dummy'])
  expect(loaded()).toEqual(['before'])
  expect((await rejection(scope.load('dummy'))).code).toBe('ERR_KMOD_ABORTED')
})
