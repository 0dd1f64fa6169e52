/** The names and aliases that a plan is made for. */
import { Kmod } from '../../lib/kmod'
import { SimulatedKernel } from '../../lib/testing/simulated-kernel'
import { codes } from '../support/simulated-modules'

let kernel: SimulatedKernel
let kmod: Kmod
beforeEach(() => {
  kernel = new SimulatedKernel()
  kmod = Kmod.over(kernel)
})

describe('names', () => {
  test('a module that is not loaded is absent; an unknown or built-in one blocks', async () => {
    kernel.addToIndex({ name: 'known' }, { name: 'inside', builtin: true })
    expect(await kmod.plan('known')).toMatchObject({
      targets: ['known'],
      absent: ['known'],
      steps: [],
      feasible: true,
    })
    expect(codes(await kmod.plan('known', { mustBeLoaded: true }))).toEqual(['ERR_KMOD_NOT_LOADED'])
    expect(codes(await kmod.plan('nowhere'))).toEqual(['ERR_KMOD_NOT_FOUND'])
    expect(await kmod.plan('nowhere', { allowUnknown: true })).toMatchObject({
      absent: ['nowhere'],
      feasible: true,
    })
    expect(codes(await kmod.plan('inside'))).toEqual(['ERR_KMOD_BUILTIN'])
  })

  test('without an index every module that is not loaded is absent, and unreadable says why', async () => {
    kernel.hasIndex = false
    kernel.add('loaded')
    const plan = await kmod.plan(['nowhere', 'loaded'])
    expect(plan).toMatchObject({ absent: ['nowhere'], feasible: true })
    expect(plan.unreadable).toEqual([expect.stringMatching(/index/)])
  })

  test('an alias stands for all its loaded modules or, if none is loaded, for all its modules', async () => {
    kernel.addToIndex(
      { name: 'one', aliases: ['pci:v1'] },
      { name: 'two', aliases: ['pci:v1'] },
      { name: 'three', aliases: ['pci:v1'] },
    )
    kernel.add('one').add('two')
    expect(await kmod.plan('pci:v1')).toMatchObject({ targets: ['one', 'two'], absent: [] })
    kernel.modules.clear()
    expect(await kmod.plan('pci:v1')).toMatchObject({
      targets: ['one', 'two', 'three'],
      absent: ['one', 'two', 'three'],
      feasible: true,
    })
  })

  test('the name of a loaded module takes precedence over an alias', async () => {
    kernel.addToIndex({ name: 'other', aliases: ['taken'] })
    kernel.add('other').add('taken')
    expect((await kmod.plan('taken')).targets).toEqual(['taken'])
  })

  test('a plan for no names is empty', async () => {
    expect(await kmod.plan([])).toMatchObject({ targets: [], steps: [], feasible: true })
  })

  test.each([
    [undefined, 'ERR_INVALID_ARG_TYPE'],
    [7, 'ERR_INVALID_ARG_TYPE'],
    [['a', null], 'ERR_INVALID_ARG_TYPE'],
    ['', 'ERR_INVALID_ARG_VALUE'],
    [['a\0b'], 'ERR_INVALID_ARG_VALUE'],
    ['x'.repeat(4096), 'ERR_INVALID_ARG_VALUE'],
  ])('%p is a TypeError', async (wrong, code) => {
    await expect(kmod.plan(wrong as string)).rejects.toMatchObject({ name: 'TypeError', code })
  })

  test.each([
    { holders: 'yes' },
    { dependencies: true },
    { wait: -1 },
    { wait: NaN },
    { allow: ['UPPER'] },
    { allow: 'interface' },
    { nothing: 1 },
    { onStep: 1 },
    { hungAfter: 0 },
  ])('option %p is a TypeError', async (wrong) => {
    kernel.add('a')
    await expect(kmod.plan('a', wrong as object)).rejects.toMatchObject({
      name: 'TypeError',
      code: 'ERR_INVALID_ARG_VALUE',
    })
  })
})
