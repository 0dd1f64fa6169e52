import { Kmod } from '../../lib/kmod'
import { SimulatedKernel } from '../../lib/testing/simulated-kernel'

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

const declares = (...names: string[]): { key: string; value: string }[] =>
  names.map((name) => ({ key: 'parmtype', value: `${name}:int` }))
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
  kernel.addToIndex(
    { name: 'one', aliases: ['both'], fields: declares('all') },
    { name: 'two', aliases: ['both'], fields: declares('all', 'own') },
  )
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

describe('the name of a module and an alias of modprobe.d with the same text', () => {
  beforeEach(() => {
    kernel.configAliases.set('llc', ['off']).set('stp', ['one']).set('nothing', ['off'])
  })

  test('every call uses the module in the index', async () => {
    expect(await kmod.load('stp')).toMatchObject({ module: 'stp', loaded: ['llc', 'stp'] })
    expect(kernel.modules.has('one')).toBe(false)
    expect(await kmod.unload('stp')).toMatchObject({ removed: ['stp', 'llc'] })
    expect(await kmod.unload('llc')).toMatchObject({ absent: ['llc'] })
    expect(await kmod.plan('llc')).toMatchObject({ targets: ['llc'], feasible: true })
    expect(await kmod.explain('stp')).toMatchObject({ module: 'stp', status: 'unloaded' })
    expect(await kmod.impact('llc')).toEqual([])
  })

  test('`resolve` returns what modprobe -R prints', async () => {
    expect(await kmod.resolve('stp')).toEqual(['one'])
  })

  test('an alias of a module that does not exist stands for nothing', async () => {
    await expect(kmod.load('nothing')).rejects.toMatchObject({
      code: 'ERR_KMOD_NOT_FOUND',
      module: 'nothing',
    })
    expect(await kmod.plan('nothing')).toMatchObject({
      blockers: [{ code: 'ERR_KMOD_NOT_FOUND', module: 'nothing' }],
    })
  })
})

describe('an alias of several modules', () => {
  test('loads all that can be loaded', async () => {
    kernel.indexed.get('one')!.refuses = ['ENODEV', 19]
    expect(await kmod.load('both')).toMatchObject({ module: 'two', loaded: ['two'] })
  })

  test('skips the blacklisted, also those of the kernel command line', async () => {
    kernel.indexed.get('one')!.blacklisted = true
    expect(await kmod.load('both')).toMatchObject({ module: 'two', loaded: ['two'] })
    kernel.modules.clear()
    kernel.indexed.get('one')!.blacklisted = false
    kernel.factsNow.kernelBlacklist = ['two']
    expect(await kmod.load('both')).toMatchObject({ module: 'one', loaded: ['one'] })
  })

  test('skips a module that is being unloaded', async () => {
    kernel.add('one', { state: 'unloading' })
    expect(await kmod.load('both')).toMatchObject({ module: 'two', loaded: ['two'] })
  })

  test('rejects with the first reason if none can be loaded', async () => {
    kernel.indexed.get('one')!.refuses = ['ENODEV', 19]
    kernel.indexed.get('two')!.refuses = ['ENOMEM', 12]
    await expect(kmod.load('both')).rejects.toMatchObject({
      code: 'ERR_KMOD_LOAD',
      module: 'one',
      errnoCode: 'ENODEV',
    })
  })

  test('ends at an insertion that hangs', async () => {
    kernel.indexed.get('one')!.initTime = Infinity
    await expect(kmod.load('both', { hungAfter: 100 })).rejects.toMatchObject({
      code: 'ERR_KMOD_HUNG',
      module: 'one',
    })
    expect(kernel.modules.has('two')).toBe(false)
  })
})

describe('a file', () => {
  const file = '/tmp/card.ko'
  const card = (fields: Record<string, string> = {}): void => {
    kernel.addToIndex({
      name: 'card',
      fields: Object.entries(fields).map(([key, value]) => ({ key, value })),
    })
  }

  test('names what it depends on with dashes or underscores', async () => {
    kernel.addToIndex({ name: 'snd' }, { name: 'snd_pcm' })
    card({ depends: 'snd,snd-pcm' })
    expect(await kmod.load({ file })).toMatchObject({ loaded: ['snd', 'snd_pcm', 'card'] })
  })

  test('needs a dependency in the index only if that is not loaded', async () => {
    card({ depends: 'own-core' })
    await expect(kmod.load({ file })).rejects.toEqual(code('ERR_KMOD_NOT_FOUND'))
    kernel.add('own_core')
    expect(await kmod.load({ file })).toMatchObject({ loaded: ['card'] })
  })

  test.each([
    ['of another source', 'OLD', 'NEW', 'ERR_KMOD_ALREADY_LOADED'],
    ['with a srcversion that the loaded one lacks', null, 'NEW', 'ERR_KMOD_ALREADY_LOADED'],
    ['of the same source', 'NEW', 'NEW', null],
  ])('%s than the loaded module', async (_, loaded, inFile, expected) => {
    card({ srcversion: inFile })
    kernel.add('card', { sourceVersion: loaded })
    const loading = kmod.load({ file })
    if (expected === null) expect(await loading).toMatchObject({ alreadyLoaded: true })
    else {
      await expect(loading).rejects.toMatchObject({
        code: expected,
        message: expect.stringMatching(/srcversion is .* and that of .*card.ko is NEW/) as string,
      })
    }
  })
})

describe('a parameter that the file does not declare', () => {
  beforeEach(() => kernel.addToIndex({ name: 'card', fields: declares('debug', 'max-size') }))

  test.each(['card', { file: '/tmp/card.ko' }])('is a TypeError for %p', async (what) => {
    const loading = kmod.load(what, { parameters: { debgu: 1 } })
    await expect(loading).rejects.toThrow(TypeError)
    await expect(loading).rejects.toMatchObject({
      code: 'ERR_INVALID_ARG_VALUE',
      message: expect.stringMatching(/module card declares \(debug, max-size\).*"debug"/) as string,
    })
    expect(kernel.modules.size).toBe(0)
  })

  test('does not include those that the kernel accepts for every module, or other spellings', async () => {
    const parameters = { max_size: 1, dyndbg: '+p', async_probe: true }
    expect(await kmod.load('card', { parameters })).toMatchObject({ loaded: ['card'] })
  })

  test('can be taken by an install command', async () => {
    kernel.indexed.get('card')!.installCommand = { text: 'own-loader $CMDLINE_OPTS', loads: true }
    expect(await kmod.load('card', { parameters: { own: 1 } })).toMatchObject({ loaded: ['card'] })
  })
})

describe('a load that fails', () => {
  test('reports what was loaded before, and what the kernel logged', async () => {
    Object.assign(kernel.indexed.get('bridge')!, {
      refuses: ['EINVAL', 22],
      logs: ['bridge: Unknown symbol stp_proto_register (err -2)', 'another line'],
    })
    const error = await kmod.load('bridge').catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({
      code: 'ERR_KMOD_LOAD',
      module: 'bridge',
      loaded: ['llc', 'stp'],
      messages: ['bridge: Unknown symbol stp_proto_register (err -2)', 'another line'],
      message: expect.stringContaining(
        'the kernel logged "bridge: Unknown symbol stp_proto_register (err -2)"',
      ) as string,
    })
    expect(String(error)).not.toContain('another line')
  })

  test('with ENOEXEC names both vermagics, from the kernel log', async () => {
    Object.assign(kernel.indexed.get('llc')!, {
      refuses: ['ENOEXEC', 8],
      logs: ["llc: version magic '6.1 SMP ' should be '6.12 SMP preempt '"],
    })
    await expect(kmod.load('llc')).rejects.toMatchObject({
      code: 'ERR_KMOD_LOAD',
      message: expect.stringContaining(
        "the vermagic of the file is '6.1 SMP ', and that of the kernel is '6.12 SMP preempt '",
      ) as string,
    })
  })

  test.each([
    ['another release', '6.1 SMP ', /vermagic of the file is '6.1 SMP', and this kernel is 0.0.0/],
    ['this release', '0.0.0-simulated SMP ', /ENOEXEC; it was built for another kernel, or its/],
  ])('with ENOEXEC and no kernel log, for a file of %s', async (_, vermagic, message) => {
    kernel.logLines = null
    Object.assign(kernel.indexed.get('llc')!, {
      refuses: ['ENOEXEC', 8],
      fields: [{ key: 'vermagic', value: vermagic }],
    })
    await expect(kmod.load('llc')).rejects.toMatchObject({
      message: expect.stringMatching(message) as string,
      messages: null,
      loaded: [],
    })
  })

  test('because of module_blacklist= names it in the message', async () => {
    kernel.factsNow.kernelBlacklist = ['llc']
    await expect(kmod.load('llc')).rejects.toMatchObject({
      code: 'ERR_KMOD_PERMISSION',
      errnoCode: 'EPERM',
      message: expect.stringMatching(/module_blacklist= on the kernel command line/) as string,
    })
  })
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

  test('the taints of a module from outside the kernel are reported, but are no fault', async () => {
    during(() => (kernel.tainted |= (1n << 12n) | (1n << 13n)))
    expect(await kmod.load('llc')).toMatchObject({
      newTaints: ['OOT_MODULE', 'UNSIGNED_MODULE'],
      clean: true,
    })
  })

  test('what a process writes to the log is reported, but is no fault', async () => {
    const text = 'BUG: kernel NULL pointer dereference'
    during(() => kernel.logLines!.push({ text, fromKernel: false }))
    expect(await kmod.load('llc')).toMatchObject({ messages: [text], clean: true })
  })

  test.each([
    ['llc: registered', true],
    ['general protection fault, probably for non-canonical address 0xdead: 0000 [#1]', false],
    ['BUG kmalloc-64 (Tainted: G           O      ): Objects remaining in kmem_cache_close', false],
    ['BUG own_cache (Not tainted): Objects remaining on __kmem_cache_shutdown()', false],
    [
      'kmem_cache_destroy own_cache: Slab cache still has objects when called from x+0x1/0x2',
      false,
    ],
    ['unregister_netdevice: waiting for eth0 to become free. Usage count = 2', false],
    ['UBSAN: array-index-out-of-bounds in x.c:1:2', false],
    ['BUG: KASAN: use-after-free in f+0x1/0x2 [llc]', false],
    ['WARNING: possible circular locking dependency detected', false],
    ['INFO: trying to register non-static key.', false],
    ['INFO: task x:1 started', true],
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
