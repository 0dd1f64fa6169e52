/** `onFailure: 'restore'`: what the report says is what the kernel has. */
import { Kmod } from '../../lib/kmod'
import type { UnloadOptions, UnloadReport } from '../../lib/contract/types'
import { rejection } from '../support/rejection'
import type { IndexedModule } from '../../lib/testing/simulated-index'
import { SimulatedKernel } from '../../lib/testing/simulated-kernel'

let kernel: SimulatedKernel
let kmod: Kmod
beforeEach(() => {
  kernel = new SimulatedKernel().addToIndex({ name: 'last' }).add('last')
  kmod = Kmod.over(kernel)
})

/** Adds a module, which is removed before `last` makes the call fail. */
const add = (properties: Partial<IndexedModule> = {}): void => {
  kernel.addToIndex({ name: 'card', ...properties }).add('card')
}

/** Unloads `card`, fails at `last`, and runs `meanwhile` between the two. */
async function restore(
  options: UnloadOptions = {},
  meanwhile: () => void = () => undefined,
): Promise<UnloadReport> {
  kernel.beforeRemoval = (name) => {
    if (name !== 'last') return
    kernel.modules.get('last')!.permanent = true
    meanwhile()
  }
  const { report } = await rejection(
    kmod.unload(['card', 'last'], { onFailure: 'restore', ...options }),
  )
  expect(report!.removed).toEqual(['card'])
  return report!
}

test('a module whose install command does not load it is not restored', async () => {
  add({ installCommand: { text: '/bin/true', loads: false } })
  expect(await restore()).toMatchObject({
    restored: [],
    notRestored: [
      { module: 'card', message: expect.stringMatching(/install command .* status 0/) as string },
    ],
  })
})

test.each([[['off']], [['other']]])(
  'an alias of modprobe.d to %p does not count',
  async (alias) => {
    add()
    kernel.addToIndex({ name: 'other' }).configAliases.set('card', alias)
    expect(await restore()).toMatchObject({ restored: ['card'], notRestored: [] })
    expect([...kernel.modules.keys()]).toEqual(['last', 'card'])
  },
)

test('a module that something else loads first counts, with its parameters compared', async () => {
  add({ parameters: { debug: '0' } })
  kernel.modules.get('card')!.parameters = { debug: '3' }
  // After the restorer has checked whether the module is loaded.
  kernel.beforeInsertion = (name) => {
    kernel.beforeInsertion = undefined
    kernel.add(name)
  }
  expect(await restore()).toMatchObject({
    restored: ['card'],
    reappeared: ['card'],
    parametersLost: [{ module: 'card', name: 'debug', before: '3', after: '0' }],
  })
  expect(kernel.removals).toEqual(['card', 'last'])
})

test('restore waits for a module that something else is loading', async () => {
  add()
  const report = await restore({}, () => {
    kernel.add('card', { state: 'loading' })
    kernel.after(500, () => (kernel.modules.get('card')!.state = 'live'))
  })
  expect(report).toMatchObject({ restored: ['card'], notRestored: [] })
})

test('a module that something else still loads after hungAfter is not restored', async () => {
  add()
  const began = kernel.clock.now()
  const report = await restore({ hungAfter: 700 }, () => kernel.add('card', { state: 'loading' }))
  expect(report).toMatchObject({ restored: [], notRestored: [{ module: 'card' }] })
  expect(kernel.clock.now() - began).toBe(700)
})

test('an insertion may take hungAfter', async () => {
  add({ initTime: 5_000 })
  expect(await restore({ hungAfter: 6_000 })).toMatchObject({ restored: ['card'] })
  kernel.modules.get('last')!.permanent = false
  expect(await restore({ hungAfter: 1_000 })).toMatchObject({
    restored: [],
    notRestored: [{ module: 'card', message: expect.stringContaining('within 1000 ms') as string }],
  })
})

test('a parameter that the file declares and sysfs does not show is lost', async () => {
  add({
    fields: [
      { key: 'parm', value: 'max_cards:How many (int)' },
      { key: 'parmtype', value: 'max_cards:int' },
      { key: 'parmtype', value: 'debug:int' },
    ],
    parameters: { debug: '0', max_cards: '8' },
    hidden: ['max_cards'],
  })
  expect(await restore()).toMatchObject({
    restored: ['card'],
    parametersLost: [{ module: 'card', name: 'max_cards', before: null, after: null }],
  })
})
