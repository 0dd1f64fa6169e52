/** reload(): one transaction, whose report is what the kernel has. */
import { Kmod } from '../../lib/kmod'
import type { UnloadEvent } from '../../lib/contract/types'
import { rejection } from '../support/rejection'
import { SimulatedKernel } from '../../lib/testing/simulated-kernel'

let kernel: SimulatedKernel
let kmod: Kmod
beforeEach(() => {
  kernel = new SimulatedKernel()
  kmod = Kmod.over(kernel)
})

const loaded = (): string[] => [...kernel.modules.keys()]
const version = (name: string): string | null => kernel.modules.get(name)!.sourceVersion
const srcversion = (value: string): { fields: { key: string; value: string }[] } => ({
  fields: [{ key: 'srcversion', value }],
})

/** base <- mid <- top, known to the index. */
function addChain(): void {
  const parameters = { debug: '0' }
  kernel.addToIndex(
    { name: 'base', parameters, ...srcversion('OLD') },
    { name: 'mid', uses: ['base'], parameters, writable: ['debug'] },
    { name: 'top', uses: ['mid'], parameters },
  )
  kernel
    .add('base', { sourceVersion: 'OLD' })
    .add('mid', { uses: ['base'] })
    .add('top', { uses: ['mid'] })
}

test('what depends on a module is unloaded and loaded again, in order', async () => {
  addChain()
  const before = kernel.modules.get('base')!.identity
  const report = await kmod.reload('base', { holders: 'remove' })
  expect(report.removed).toEqual(['top', 'mid', 'base'])
  expect(report.loaded).toEqual(['base', 'mid', 'top'])
  expect(report.steps.map(({ step }) => `${step.action} ${step.module} ${step.reason}`)).toEqual([
    'remove top holder',
    'remove mid holder',
    'remove base target',
    'load base target',
    'load mid holder',
    'load top holder',
  ])
  expect(report).toMatchObject({ failed: null, restored: [], notRestored: [], parametersLost: [] })
  expect(kernel.modules.get('base')!.identity).not.toBe(before)
})

test('dependencies stay by default', async () => {
  addChain()
  expect(await kmod.reload('top')).toMatchObject({ removed: ['top'], loaded: ['top'] })
})

test('a holder blocks, and nothing is touched', async () => {
  addChain()
  const error = await rejection(kmod.reload('base'))
  expect(error).toMatchObject({ code: 'ERR_KMOD_HELD', report: { removed: [], loaded: [] } })
  expect(kernel.removals).toEqual([])
})

test('a target gets the given parameters; a dependent those that it had', async () => {
  addChain()
  // mid: sysfs writes it; top: it is loaded once more.
  kernel.modules.get('mid')!.parameters.debug = '5'
  kernel.modules.get('top')!.parameters.debug = '6'
  const report = await kmod.reload('base', { holders: 'remove', parameters: withDebug(3) })
  expect(kernel.modules.get('base')!.parameters.debug).toBe('3')
  expect(kernel.modules.get('mid')!.parameters.debug).toBe('5')
  expect(kernel.modules.get('top')!.parameters.debug).toBe('6')
  expect(kernel.removals).toEqual(['top', 'mid', 'base', 'top'])
  expect(report.parametersLost).toEqual([])
})

function withDebug(debug: number): { debug: number } {
  kernel.addToIndex({
    ...kernel.indexed.get('base')!,
    fields: [
      { key: 'srcversion', value: 'OLD' },
      { key: 'parm', value: 'debug:text' },
    ],
  })
  return { debug }
}

test('a target is loaded once: a parameter that it had is lost if sysfs cannot write it', async () => {
  addChain()
  kernel.modules.get('top')!.parameters.debug = '6'
  const report = await kmod.reload('top')
  expect(report.parametersLost).toEqual([{ module: 'top', name: 'debug', before: '6', after: '0' }])
  expect(kernel.removals).toEqual(['top'])
})

test('a parameter of a target that modprobe.d sets has the value of modprobe.d', async () => {
  kernel.addToIndex({
    name: 'card',
    parameters: { debug: '1' },
    options: 'debug=1',
    writable: ['debug'],
  })
  kernel.add('card', { parameters: { debug: '9' } })
  expect((await kmod.reload('card')).parametersLost).toEqual([])
  expect(kernel.modules.get('card')!.parameters.debug).toBe('1')
})

test('a dependent that is in use when it should be loaded once more loses its parameters', async () => {
  addChain()
  kernel.modules.get('top')!.parameters.debug = '6'
  kernel.beforeRemoval = (name) => {
    const isSecond = kernel.removals.filter((one) => one === name).length === 2
    if (isSecond) kernel.modules.get(name)!.references = 1
  }
  const report = await kmod.reload('base', { holders: 'remove' })
  expect(report.parametersLost).toEqual([{ module: 'top', name: 'debug', before: '6', after: '0' }])
})

test('a parameter that declared no value is never written', async () => {
  kernel.addToIndex({ name: 'base' }, { name: 'snd', uses: ['base'], parameters: { id: '' } })
  kernel.add('base').add('snd', { uses: ['base'], parameters: { id: '(null),(null)' } })
  await kmod.reload('base', { holders: 'remove' })
  expect(kernel.modules.get('snd')!.parameters.id).toBe('')
})

test('from a file with another srcversion', async () => {
  addChain()
  kernel.files.set('/new/base.ko', { name: 'base', ...srcversion('NEW') })
  const report = await kmod.reload({ file: '/new/base.ko' }, { holders: 'remove' })
  expect(version('base')).toBe('NEW')
  expect(report.loaded).toEqual(['base', 'mid', 'top'])
  expect(report.steps[3]!.step).toEqual({
    action: 'load',
    module: 'base',
    reason: 'target',
    file: '/new/base.ko',
  })
})

test('what a file needs comes from the other files', async () => {
  kernel.files.set('/new/a.ko', { name: 'a', fields: [{ key: 'depends', value: 'b,c' }] })
  kernel.files.set('/new/b.ko', { name: 'b', ...srcversion('B') })
  kernel.addToIndex({ name: 'c' })
  const report = await kmod.reload({ file: '/new/a.ko', files: ['/new/b.ko'] })
  expect(report.loaded).toEqual(['b', 'c', 'a'])
  expect(version('b')).toBe('B')
})

test('a new file that does not load leaves the old modules running', async () => {
  addChain()
  kernel.files.set('/new/base.ko', { name: 'base', refuses: ['ENOEXEC', 8] })
  kernel.modules.get('top')!.parameters.debug = '6'
  const error = await rejection(kmod.reload({ file: '/new/base.ko' }, { holders: 'remove' }))
  expect(error).toMatchObject({
    code: 'ERR_KMOD_LOAD',
    module: 'base',
    loaded: [],
    report: {
      removed: ['top', 'mid', 'base'],
      restored: ['base', 'mid', 'top'],
      notRestored: [],
      loaded: [],
      failed: { step: { action: 'load', module: 'base' }, code: 'ERR_KMOD_LOAD' },
    },
  })
  expect(loaded()).toEqual(['base', 'mid', 'top'])
  expect(version('base')).toBe('OLD')
  expect(kernel.modules.get('top')!.parameters.debug).toBe('6')
})

test('a dependent that does not load: the new module is unloaded again, the old one returns', async () => {
  addChain()
  kernel.files.set('/new/base.ko', { name: 'base', ...srcversion('NEW') })
  let refuses = true
  kernel.beforeInsertion = (name) => {
    const mid = kernel.indexed.get('mid')!
    if (name === 'mid') mid.refuses = refuses ? ['ENOENT', 2] : undefined
    if (name === 'mid') refuses = false
  }
  const error = await rejection(kmod.reload({ file: '/new/base.ko' }, { holders: 'remove' }))
  expect(error.report).toMatchObject({ restored: ['base', 'mid', 'top'], loaded: ['base'] })
  expect(version('base')).toBe('OLD')
})

test('a new module that cannot be unloaded again is told', async () => {
  addChain()
  kernel.files.set('/new/base.ko', { name: 'base', ...srcversion('NEW') })
  kernel.indexed.get('mid')!.refuses = ['ENOENT', 2]
  kernel.beforeInsertion = (name) => {
    if (name === 'mid') kernel.modules.get('base')!.references = 1
  }
  const error = await rejection(kmod.reload({ file: '/new/base.ko' }, { holders: 'remove' }))
  expect(error.report!.notRestored.map(({ module }) => module)).toEqual(['base', 'mid', 'top'])
  expect(error.report!.notRestored[0]!.message).toContain('could not be unloaded again')
})

test('a file on disk that was replaced cannot come back', async () => {
  addChain()
  const between = (): void => {
    kernel.addToIndex({ name: 'base', ...srcversion('NEW'), refuses: ['EINVAL', 22] })
  }
  const error = await rejection(kmod.reload('base', { holders: 'remove', between }))
  expect(error.code).toBe('ERR_KMOD_LOAD')
  expect(error.report!.notRestored[0]).toMatchObject({ module: 'base' })
  expect(error.report!.notRestored[0]!.message).toContain('srcversion NEW')
})

test('an init function that hangs', async () => {
  addChain()
  kernel.files.set('/new/base.ko', { name: 'base', initTime: Infinity })
  const options = { holders: 'remove', hungAfter: 1_000 } as const
  const error = await rejection(kmod.reload({ file: '/new/base.ko' }, options))
  expect(error).toMatchObject({ code: 'ERR_KMOD_HUNG', pid: 4242 })
  // The kernel has a module of this name, so the old one cannot return; nor what needs it.
  expect(error.report!.notRestored.map(({ module }) => module)).toEqual(['base', 'mid', 'top'])
  expect(error.report!.notRestored[0]!.message).toContain('4242')
})

test.each([
  ['is not in the index', () => kernel.indexed.delete('mid'), 'ERR_KMOD_NOT_FOUND'],
  [
    'is for another kernel',
    () => kernel.addToIndex({ name: 'mid', fields: [{ key: 'vermagic', value: '9.9.9 SMP ' }] }),
    'ERR_KMOD_LOAD',
  ],
])('a dependent whose file %s is found before anything is touched', async (_, change, code) => {
  addChain()
  change()
  const error = await rejection(kmod.reload('base', { holders: 'remove' }))
  expect(error).toMatchObject({ code, module: 'mid', report: { removed: [] } })
  expect(kernel.removals).toEqual([])
})

test('a given file for another kernel is refused before anything is touched', async () => {
  addChain()
  const fields = [{ key: 'vermagic', value: '9.9.9 SMP ' }]
  kernel.files.set('/new/base.ko', { name: 'base', fields })
  const error = await rejection(kmod.reload({ file: '/new/base.ko' }, { holders: 'remove' }))
  expect(error.code).toBe('ERR_KMOD_LOAD')
  expect(error.message).toContain("'9.9.9 SMP'")
  expect(error.message).toContain('0.0.0-simulated')
  expect(kernel.removals).toEqual([])
})

test('between runs when everything is unloaded; what it throws restores the modules', async () => {
  addChain()
  const cause = new Error('disk full')
  const error = await rejection(
    kmod.reload('base', {
      holders: 'remove',
      between: async (soFar) => {
        expect(soFar.removed).toEqual(['top', 'mid', 'base'])
        expect(loaded()).toEqual([])
        // Other calls may work on the modules.
        await kmod.load('base')
        await kmod.unload('base')
        throw cause
      },
    }),
  )
  expect(error).toMatchObject({ code: 'ERR_KMOD_CALLBACK', cause })
  expect(error.report!.restored).toEqual(['base', 'mid', 'top'])
  expect(loaded()).toEqual(['base', 'mid', 'top'])
})

test('an abort while between runs restores the modules', async () => {
  addChain()
  const controller = new AbortController()
  const between = (): Promise<void> => {
    setImmediate(() => controller.abort())
    return new Promise(() => undefined)
  }
  const options = { holders: 'remove', between, signal: controller.signal } as const
  expect((await rejection(kmod.reload('base', options))).code).toBe('ERR_KMOD_ABORTED')
  expect(loaded()).toEqual(['base', 'mid', 'top'])
})

test('a failure of the unload restores only if the call asks for it', async () => {
  addChain()
  kernel.beforeRemoval = (name) => {
    if (name === 'mid') kernel.modules.get('mid')!.references = 1
  }
  const options = { holders: 'remove' } as const
  expect((await rejection(kmod.reload('base', options))).report).toMatchObject({
    removed: ['top'],
    restored: [],
  })
  kernel.modules.get('mid')!.references = 0
  kernel.add('top', { uses: ['mid'] })
  const again = { ...options, onFailure: 'restore' } as const
  expect((await rejection(kmod.reload('base', again))).report!.restored).toEqual(['top'])
})

test('a target that is not loaded is only loaded', async () => {
  kernel.addToIndex({ name: 'card' })
  expect(await kmod.reload('card')).toMatchObject({ absent: ['card'], loaded: ['card'] })
  kernel.modules.delete('card')
  const error = await rejection(kmod.reload('card', { mustBeLoaded: true }))
  expect(error.code).toBe('ERR_KMOD_NOT_LOADED')
  expect(loaded()).toEqual([])
})

test('a target that udev loads again in the middle is loaded again with the given file', async () => {
  addChain()
  kernel.files.set('/new/base.ko', { name: 'base', ...srcversion('NEW') })
  const between = (): void => void kernel.add('base', { sourceVersion: 'OLD' })
  const report = await kmod.reload({ file: '/new/base.ko' }, { holders: 'remove', between })
  expect(report.reappeared).toEqual(['base'])
  expect(version('base')).toBe('NEW')
  expect(loaded()).toEqual(['base', 'mid', 'top'])
})

test('a parameter that the file does not declare is a TypeError, and nothing is touched', async () => {
  addChain()
  const options = { holders: 'remove', parameters: { nonsense: 1 } } as const
  await expect(kmod.reload('base', options)).rejects.toThrow(TypeError)
  expect(kernel.removals).toEqual([])
})

test('onStep hears of the loads', async () => {
  addChain()
  const events: string[] = []
  const onStep = ({ step, index, total, state }: UnloadEvent): void => {
    events.push(`${index + 1}/${total} ${state} ${step.action} ${step.module}`)
  }
  await kmod.reload('mid', { holders: 'remove', onStep })
  expect(events).toEqual([
    '1/2 start remove top',
    '1/2 done remove top',
    '2/2 start remove mid',
    '2/2 done remove mid',
    '3/4 start load mid',
    '3/4 done load mid',
    '4/4 start load top',
    '4/4 done load top',
  ])
})

test('wrong arguments', async () => {
  await expect(kmod.reload(5 as unknown as string)).rejects.toMatchObject({
    code: 'ERR_INVALID_ARG_TYPE',
  })
  await expect(kmod.reload({ file: '' })).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' })
  const files = 'x' as unknown as string[]
  await expect(kmod.reload({ file: '/a.ko', files })).rejects.toThrow(/files/)
  const wrong = { betwen: () => undefined } as object
  await expect(kmod.reload('a', wrong)).rejects.toThrow(/between/)
})
