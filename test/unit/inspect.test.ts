import { Kmod } from '../../lib/kmod'
import { SimulatedKernel } from '../../lib/testing/simulated-kernel'

let kernel: SimulatedKernel
beforeEach(() => {
  kernel = new SimulatedKernel()
    .add('llc')
    .add('bridge', { uses: ['llc'] })
    .add('going', { state: 'unloading' })
    .add('coming', { state: 'loading' })
    .addToIndex({ name: 'dummy', aliases: ['rtnl-link-dummy'] }, { name: 'ext4', builtin: true })
  kernel.sysBuiltins.add('printk')
})

test('list returns the newest module first', async () => {
  expect((await Kmod.over(kernel).list()).map(({ name }) => name)).toEqual([
    'coming',
    'going',
    'bridge',
    'llc',
  ])
})

test('find accepts dashes for underscores', async () => {
  kernel.add('snd_hda_intel')
  expect(await Kmod.over(kernel).find('snd-hda-intel')).toMatchObject({ name: 'snd_hda_intel' })
  expect(await Kmod.over(kernel).find('none')).toBeUndefined()
})

test.each([
  ['llc', 'live', true, false],
  ['going', 'unloading', false, false],
  ['coming', 'loading', false, false],
  ['dummy', 'unloaded', false, false],
  ['ext4', 'builtin', false, true],
  ['printk', 'builtin', false, true],
  ['nothing', 'unknown', false, false],
])('the status of %s is %s', async (name, status, isLoaded, isBuiltin) => {
  const kmod = Kmod.over(kernel)
  expect(await kmod.status(name)).toBe(status)
  expect(await kmod.isLoaded(name)).toBe(isLoaded)
  expect(await kmod.isBuiltin(name)).toBe(isBuiltin)
})

test('a folder without initstate that is missing at the second read is not a built-in module', async () => {
  const { sysModules } = kernel
  let looks = 0
  kernel.sysModules = (names) => {
    if (++looks === 2) kernel.sysBuiltins.delete('printk')
    return sysModules.call(kernel, names)
  }
  expect(await Kmod.over(kernel).status('printk')).toBe('unknown')
})

test('a module that is in the table only at the second read was being loaded', async () => {
  kernel.sysBuiltins.add('fresh')
  const { table } = kernel
  let readings = 0
  kernel.table = () => {
    if (++readings === 2) kernel.add('fresh', { state: 'loading' })
    return table.call(kernel)
  }
  expect(await Kmod.over(kernel).status('fresh')).not.toBe('builtin')
})

test('without a table of modules, status reports what other sources know', async () => {
  kernel.hasTable = false
  expect(await Kmod.over(kernel).status('ext4')).toBe('builtin')
  expect(await Kmod.over(kernel).status('printk')).toBe('builtin')
  expect(await Kmod.over(kernel).status('nothing')).toBe('unknown')
  await expect(Kmod.over(kernel).list()).rejects.toMatchObject({ code: 'ERR_KMOD_UNSUPPORTED' })
})

test('holders returns the modules that use one, or rejects with the reason why it is not loaded', async () => {
  const kmod = Kmod.over(kernel)
  expect(await kmod.holders('llc')).toEqual(['bridge'])
  expect(await kmod.holders('bridge')).toEqual([])
  await expect(kmod.holders('ext4')).rejects.toMatchObject({
    code: 'ERR_KMOD_BUILTIN',
    module: 'ext4',
  })
  await expect(kmod.holders('dummy')).rejects.toMatchObject({ code: 'ERR_KMOD_NOT_LOADED' })
  await expect(kmod.holders('nothing')).rejects.toMatchObject({ code: 'ERR_KMOD_NOT_FOUND' })
  kernel.hasIndex = false
  await expect(kmod.holders('nothing')).rejects.toMatchObject({ code: 'ERR_KMOD_NOT_LOADED' })
})

test('resolve returns the modules of an alias', async () => {
  expect(await Kmod.over(kernel).resolve('rtnl-link-dummy')).toEqual(['dummy'])
  expect(await Kmod.over(kernel).resolve('nothing')).toEqual([])
})

test('info parses the fields of a module file', async () => {
  const fields = Object.entries({
    description: ['A sample', 'another'],
    license: ['GPL'],
    author: ['One', 'Two'],
    alias: ['a', 'b'],
    depends: ['x,y'],
    firmware: ['f.bin'],
    softdep: ['pre: p1 p2 post: q', 'post: r'],
    parm: ['plain:a number', 'odd', 'with:a: colon'],
    parmtype: ['plain:int', 'typed:bool'],
    vermagic: ['6.1 SMP '],
  }).flatMap(([key, values]) => values.map((value) => ({ key, value })))
  kernel.addToIndex({ name: 'sample', fields })
  expect(await Kmod.over(kernel).info('sample')).toEqual({
    name: 'sample',
    builtin: false,
    path: '/lib/sample.ko',
    loaded: null,
    description: 'A sample',
    license: 'GPL',
    version: null,
    srcVersion: null,
    vermagic: '6.1 SMP ',
    authors: ['One', 'Two'],
    aliases: ['a', 'b'],
    depends: ['x', 'y'],
    firmware: ['f.bin'],
    softDependencies: { pre: ['p1', 'p2'], post: ['q', 'r'] },
    parameters: [
      { name: 'plain', type: 'int', description: 'a number' },
      { name: 'odd', type: null, description: null },
      { name: 'with', type: null, description: 'a: colon' },
      { name: 'typed', type: 'bool', description: null },
    ],
    config: { options: null, removeCommand: null, installCommand: null, blacklisted: false },
    fields,
  })
})

test('info of a built-in module that only /sys/module has, and of an unknown module', async () => {
  expect(await Kmod.over(kernel).info('printk')).toMatchObject({
    name: 'printk',
    builtin: true,
    path: null,
    fields: [],
  })
  await expect(Kmod.over(kernel).info('nothing')).rejects.toMatchObject({
    code: 'ERR_KMOD_NOT_FOUND',
  })
})

test.each([[undefined], [5], [null], [{}], [{ file: 5 }], [[]]])(
  'info(%p) rejects an argument of the wrong type',
  async (what) => {
    await expect(Kmod.over(kernel).info(what as string)).rejects.toThrow(
      expect.objectContaining({ name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' }) as Error,
    )
  },
)

test.each(['', '/a\0b'])('info({ file: %p }) rejects a wrong path', async (file) => {
  await expect(Kmod.over(kernel).info({ file })).rejects.toThrow(
    expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }) as Error,
  )
})

test('a wrong name makes the promise reject and never throws', async () => {
  const kmod = Kmod.over(kernel)
  for (const method of ['find', 'holders', 'status', 'isLoaded', 'isBuiltin'] as const) {
    const result: Promise<unknown> = kmod[method]('a/b')
    await expect(result).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' })
  }
})

describe('preflight', () => {
  const codes = async (): Promise<string[]> =>
    (await Kmod.over(kernel).preflight()).problems.map(({ code }) => code)

  test('reports no problem if there is none', async () => {
    expect(await Kmod.over(kernel).preflight()).toEqual({
      canUnload: true,
      canForce: true,
      problems: [],
      kernel: kernel.factsNow.kernel,
      capability: true,
      libkmod: '/simulated/libkmod.so.2',
    })
  })

  test.each([
    ['a kernel without modules', { modules: false, unload: false }, 'ERR_KMOD_UNSUPPORTED'],
    ['a kernel that cannot unload', { unload: false }, 'ERR_KMOD_UNSUPPORTED'],
    ['modules_disabled', { modulesDisabled: true }, 'ERR_KMOD_DISABLED'],
  ])('reports %s', async (_, facts, code) => {
    kernel.factsNow = { ...kernel.factsNow, kernel: { ...kernel.factsNow.kernel, ...facts } }
    expect(await codes()).toEqual([code])
    expect(await Kmod.over(kernel).preflight()).toMatchObject({ canUnload: false, canForce: false })
  })

  test('reports a missing capability and a missing library together', async () => {
    kernel.factsNow = {
      ...kernel.factsNow,
      capability: false,
      libkmod: null,
      libraryProblem: 'libkmod cannot be loaded',
    }
    expect(await codes()).toEqual(['ERR_KMOD_PERMISSION', 'ERR_KMOD_LIBRARY'])
  })

  test('reports that force is not available if the kernel configuration is unknown', async () => {
    kernel.factsNow.kernel.forceUnload = null
    expect(await Kmod.over(kernel).preflight()).toMatchObject({ canUnload: true, canForce: false })
  })

  test('reports another root', async () => {
    kernel.readOnly = true
    expect(await codes()).toEqual(['ERR_KMOD_READ_ONLY'])
  })
})
