import { Kmod } from '../../lib/kmod'
import { rejection } from '../support/rejection'
import { SimulatedKernel } from '../../lib/testing/simulated-kernel'

let kernel: SimulatedKernel
let kmod: Kmod
beforeEach(() => {
  kernel = new SimulatedKernel()
  kmod = Kmod.over(kernel)
})

test('removes an idle module and no other', async () => {
  kernel.add('llc').add('stp', { uses: ['llc'] })
  await expect(kmod.remove('stp')).resolves.toBeUndefined()
  expect([...kernel.modules.keys()]).toEqual(['llc'])
  expect(kernel.removals).toEqual(['stp'])
})

test('EAGAIN means held or in use', async () => {
  kernel
    .add('llc', { references: 3 })
    .add('stp', { uses: ['llc'] })
    .add('bridge', { uses: ['llc'] })
  const held = await rejection(kmod.remove('llc'))
  expect(held).toMatchObject({
    code: 'ERR_KMOD_HELD',
    module: 'llc',
    holders: ['stp', 'bridge'],
    errno: -11,
    errnoCode: 'EAGAIN',
    syscall: 'delete_module',
  })
  expect(held.message).toMatch(/llc.*stp.*bridge/)
  await kmod.remove('stp')
  await kmod.remove('bridge')
  const inUse = await rejection(kmod.remove('llc'))
  expect(inUse).toMatchObject({ code: 'ERR_KMOD_IN_USE', module: 'llc', references: 3 })
  expect('users' in inUse).toBe(false)
})

test('EBUSY means permanent or transient', async () => {
  kernel.add('fixed', { permanent: true }).add('going', { state: 'unloading' })
  kernel.add('coming', { state: 'loading', permanent: true })
  expect(await rejection(kmod.remove('fixed'))).toMatchObject({
    code: 'ERR_KMOD_PERMANENT',
    errnoCode: 'EBUSY',
  })
  expect(await rejection(kmod.remove('going'))).toMatchObject({ code: 'ERR_KMOD_TRANSIENT' })
  expect(await rejection(kmod.remove('coming'))).toMatchObject({ code: 'ERR_KMOD_TRANSIENT' })
})

test('force overrides references and a missing exit function, not holders or the state', async () => {
  kernel.add('used', { references: 1 }).add('fixed', { permanent: true })
  kernel
    .add('llc')
    .add('stp', { uses: ['llc'] })
    .add('going', { state: 'unloading' })
  await kmod.remove('used', { force: true })
  await kmod.remove('fixed', { force: true })
  expect(await rejection(kmod.remove('llc', { force: true }))).toMatchObject({
    code: 'ERR_KMOD_HELD',
  })
  expect(await rejection(kmod.remove('going', { force: true }))).toMatchObject({
    code: 'ERR_KMOD_TRANSIENT',
  })
})

test('force is not tried on a kernel that is known to lack it', async () => {
  kernel.add('used', { references: 1 })
  kernel.factsNow.kernel.forceUnload = false
  expect(await rejection(kmod.remove('used', { force: true }))).toMatchObject({
    code: 'ERR_KMOD_UNSUPPORTED',
  })
  expect(kernel.removals).toEqual([])
})

test('a module that is not loaded is built in, known, unknown, or without an index not loaded', async () => {
  kernel.addToIndex({ name: 'dummy' }, { name: 'ext4', builtin: true })
  expect(await rejection(kmod.remove('ext4'))).toMatchObject({
    code: 'ERR_KMOD_BUILTIN',
    errnoCode: 'ENOENT',
  })
  expect(await rejection(kmod.remove('dummy'))).toMatchObject({ code: 'ERR_KMOD_NOT_LOADED' })
  expect(await rejection(kmod.remove('nothing'))).toMatchObject({ code: 'ERR_KMOD_NOT_FOUND' })
  kernel.hasIndex = false
  expect(await rejection(kmod.remove('nothing'))).toMatchObject({ code: 'ERR_KMOD_NOT_LOADED' })
})

test('EPERM means a missing capability or disabled modules', async () => {
  kernel.add('llc')
  const { kernel: facts } = kernel.factsNow
  kernel.factsNow = { ...kernel.factsNow, capability: false }
  const missing = await rejection(kmod.remove('llc'))
  expect(missing).toMatchObject({ code: 'ERR_KMOD_PERMISSION', errnoCode: 'EPERM' })
  expect(missing.message).toContain('CAP_SYS_MODULE')
  kernel.factsNow = { ...kernel.factsNow, kernel: { ...facts, modulesDisabled: true } }
  expect(await rejection(kmod.remove('llc'))).toMatchObject({ code: 'ERR_KMOD_DISABLED' })
})

test('EAGAIN of another system call says nothing about the module', async () => {
  kernel.add('llc', { references: 1 })
  const { remove } = kernel
  kernel.remove = (...args) => {
    const failure = { errno: 11, errnoName: 'EAGAIN', syscall: 'fork', detail: '' }
    const end = { outcome: 'refused', failure: { failure: 'system', ...failure } } as const
    return { ...remove.apply(kernel, args), ended: Promise.resolve(end) }
  }
  expect(await rejection(kmod.remove('llc'))).toMatchObject({
    code: 'ERR_KMOD_SYSTEM',
    errnoCode: 'EAGAIN',
    syscall: 'fork',
  })
})

test('an oops in the exit function is an error that says so', async () => {
  kernel.add('bad', { oops: true })
  const error = await rejection(kmod.remove('bad'))
  expect(error).toMatchObject({ code: 'ERR_KMOD_SYSTEM', module: 'bad' })
  expect(error.message).toMatch(/oops/)
})

describe('a removal that hangs', () => {
  beforeEach(() => kernel.add('stuck', { exitTime: Infinity }))

  test('rejects after hungAfter, with the process and its stack', async () => {
    const error = await rejection(kmod.remove('stuck', { hungAfter: 5000 }))
    expect(error).toMatchObject({ code: 'ERR_KMOD_HUNG', module: 'stuck', pid: 4242 })
    expect(error.kernelStack).toContain('simulated_exit')
    expect(kernel.clock.now()).toBe(5000)
  })

  test('rejects after 30 s by default', async () => {
    expect(await rejection(kmod.remove('stuck'))).toMatchObject({ code: 'ERR_KMOD_HUNG' })
    expect(kernel.clock.now()).toBe(30_000)
  })

  test('is remembered, and the next call names the process', async () => {
    await rejection(kmod.remove('stuck', { hungAfter: 1 }))
    expect(await rejection(kmod.remove('stuck'))).toMatchObject({
      code: 'ERR_KMOD_TRANSIENT',
      pid: 4242,
    })
  })

  test('rejects at once when it is aborted', async () => {
    const controller = new AbortController()
    const removal = rejection(
      kmod.remove('stuck', { signal: controller.signal, hungAfter: Infinity }),
    )
    const reason = new Error('enough')
    setTimeout(() => controller.abort(reason), 5)
    expect(await removal).toMatchObject({
      name: 'AbortError',
      code: 'ERR_KMOD_ABORTED',
      cause: reason,
    })
  })
})

test('waits for a slow removal', async () => {
  kernel.add('slow', { exitTime: 29_000 })
  await kmod.remove('slow')
  expect(kernel.modules.size).toBe(0)
})

test('forgets a stuck removal that has ended', async () => {
  kernel.add('slow', { exitTime: 100 })
  await rejection(kmod.remove('slow', { hungAfter: 10 }))
  await kernel.clock.sleep(1000)
  expect(kernel.modules.size).toBe(0)
  kernel.add('slow', { state: 'unloading' })
  expect(await rejection(kmod.remove('slow'))).not.toHaveProperty('pid')
})

test('removes nothing if the signal is already aborted', async () => {
  kernel.add('llc')
  expect(await rejection(kmod.remove('llc', { signal: AbortSignal.abort() }))).toMatchObject({
    code: 'ERR_KMOD_ABORTED',
  })
  expect(kernel.removals).toEqual([])
})

test('changes nothing under another root', async () => {
  kernel.add('llc')
  kernel.readOnly = true
  expect(await rejection(kmod.remove('llc'))).toMatchObject({ code: 'ERR_KMOD_READ_ONLY' })
  expect(kernel.removals).toEqual([])
})

test.each([
  ['a name with a dot', 'dummy.whatever', undefined],
  ['an unknown option', 'llc', { wait: 5 }],
  ['a negative time', 'llc', { hungAfter: -1 }],
  ['no time', 'llc', { hungAfter: 0 }],
])('%s is a TypeError, and the kernel is not called', async (_, name, options) => {
  kernel.add('llc').add('dummy')
  const error = await rejection(kmod.remove(name, options as object))
  expect(error).toBeInstanceOf(TypeError)
  expect(error).toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' })
  expect(kernel.removals).toEqual([])
})
