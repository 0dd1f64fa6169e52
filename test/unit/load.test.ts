import { Kmod } from '../../lib/kmod'
import { SimulatedKernel } from '../support/simulated-kernel'

let kernel: SimulatedKernel
let kmod: Kmod
beforeEach(() => {
  kernel = new SimulatedKernel().addToIndex(
    { name: 'llc' },
    { name: 'stp', uses: ['llc'] },
    { name: 'bridge', uses: ['stp', 'llc'], aliases: ['rtnl-link-bridge'] },
    { name: 'one', aliases: ['both'] },
    { name: 'two', aliases: ['both'] },
    { name: 'ext4', builtin: true },
  )
  kmod = Kmod.over(kernel)
})

const code = (code: string): unknown => expect.objectContaining({ code })

test('a module is loaded after the modules that it needs', async () => {
  expect(await kmod.load('bridge')).toEqual({
    module: 'bridge',
    loaded: ['llc', 'stp', 'bridge'],
    alreadyLoaded: false,
    newTaints: [],
    messages: [],
    clean: true,
  })
})

test('a module that was loaded before is not in `loaded`', async () => {
  kernel.add('llc')
  expect((await kmod.load('bridge')).loaded).toEqual(['stp', 'bridge'])
})

test('an alias loads its module', async () => {
  expect(await kmod.load('rtnl-link-bridge')).toMatchObject({ module: 'bridge' })
  expect(kernel.modules.has('bridge')).toBe(true)
})

test('an already loaded module is an error only with mustBeNew or parameters', async () => {
  kernel.add('llc')
  expect(await kmod.load('llc')).toMatchObject({ alreadyLoaded: true, loaded: [] })
  await expect(kmod.load('llc', { mustBeNew: true })).rejects.toEqual(
    code('ERR_KMOD_ALREADY_LOADED'),
  )
  await expect(kmod.load('llc', { parameters: { a: 1 } })).rejects.toEqual(
    code('ERR_KMOD_ALREADY_LOADED'),
  )
})

test('a built-in module counts as loaded, and takes no parameters', async () => {
  expect(await kmod.load('ext4')).toMatchObject({ alreadyLoaded: true, loaded: [] })
  await expect(kmod.load('ext4', { parameters: { a: 1 } })).rejects.toEqual(
    code('ERR_KMOD_BUILTIN'),
  )
})

test('an unknown module, a module being unloaded, another root and an abort are errors', async () => {
  await expect(kmod.load('nothing')).rejects.toEqual(code('ERR_KMOD_NOT_FOUND'))
  kernel.add('going', { state: 'unloading' })
  await expect(kmod.load('going')).rejects.toEqual(code('ERR_KMOD_TRANSIENT'))
  await expect(kmod.load('llc', { signal: AbortSignal.abort() })).rejects.toEqual(
    code('ERR_KMOD_ABORTED'),
  )
  kernel.readOnly = true
  await expect(kmod.load('llc')).rejects.toEqual(code('ERR_KMOD_READ_ONLY'))
})

test('a parameter is for every target, or for the one that it names', async () => {
  const given: [string, Record<string, string>][] = []
  const { insert } = kernel
  kernel.insert = (request) => {
    given.push([request.module, request.parameters])
    return insert.call(kernel, request)
  }
  await kmod.load('both', { parameters: { all: 1, 'two.own': true } })
  expect(given).toEqual([
    ['one', { all: '1' }],
    ['two', { all: '1', own: '1' }],
  ])
})

test('a parameter for a module that is not one of several targets is a TypeError', async () => {
  await expect(kmod.load('both', { parameters: { 'three.own': 1 } })).rejects.toEqual(
    code('ERR_INVALID_ARG_VALUE'),
  )
})

test.each([
  ['a name with a NUL', 'a\0', undefined],
  ['an unknown option', 'llc', { force: true }],
  ['parameters that are not an object', 'llc', { parameters: 'a=1' }],
])('%s is a TypeError', async (_, what, options) => {
  await expect(kmod.load(what, options as object)).rejects.toThrow(TypeError)
  expect(kernel.modules.size).toBe(0)
})

describe('the health of the kernel', () => {
  const during = (change: () => void): void => {
    const { insert } = kernel
    kernel.insert = (request) => {
      change()
      return insert.call(kernel, request)
    }
  }

  test('new taints are reported by name, earlier ones are not', async () => {
    kernel.tainted = 1n
    during(() => (kernel.tainted |= (1n << 9n) | (1n << 12n) | (1n << 60n)))
    expect(await kmod.load('llc')).toMatchObject({
      newTaints: ['WARN', 'OOT_MODULE', 'TAINT_60'],
      clean: false,
    })
  })

  test.each([
    ['llc: registered', true],
    ['WARNING: CPU: 0 PID: 1 at x.c:5 f+0x1/0x2 [llc]', false],
    ['BUG: kernel NULL pointer dereference, address: 0', false],
    ['kernel BUG at mm/slub.c:435!', false],
    ['Oops: 0002 [#1] PREEMPT SMP NOPTI', false],
    ['early warning: nothing to see', true],
  ])('after the message %p clean is %p', async (message, clean) => {
    during(() => kernel.logLines!.push(message))
    expect(await kmod.load('llc')).toMatchObject({ messages: [message], clean })
  })

  test('if the log is not readable, clean is null', async () => {
    kernel.logLines = null
    expect(await kmod.load('llc')).toMatchObject({ messages: null, clean: null })
  })

  test('if messages were lost, the report says so and clean is null', async () => {
    kernel.logLost = true
    const report = await kmod.load('llc')
    expect(report.messages).toHaveLength(1)
    expect(report.clean).toBeNull()
  })
})
