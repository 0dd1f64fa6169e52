/** Races between a call and other changes of the system. Each of these failed once. */
import { Kmod } from '../../lib/kmod'
import { rejection } from '../support/rejection'
import { SimulatedKernel } from '../../lib/testing/simulated-kernel'
import { busyFor } from '../support/simulated-modules'

let kernel: SimulatedKernel
let kmod: Kmod
beforeEach(() => {
  kernel = new SimulatedKernel()
  kmod = Kmod.over(kernel)
})

describe('a name is resolved once', () => {
  test('a target that was removed is not looked up as an alias', async () => {
    kernel.addToIndex({ name: 'victim', aliases: ['x'] })
    kernel
      .add('victim')
      .add('d')
      .add('x', { uses: ['d'] })
    kernel.beforeRemoval = (name) => {
      if (name === 'x') kernel.modules.get('d')!.references = 1
    }
    expect(await kmod.unload('x')).toMatchObject({ removed: ['x'] })
    expect(kernel.modules.has('victim')).toBe(true)
  })

  test('a target that this call removed does not violate mustBeLoaded', async () => {
    kernel.addToIndex({ name: 'a' }, { name: 'b' })
    kernel.add('b').add('a')
    kernel.beforeRemoval = (name) => {
      if (name === 'a') busyFor(kernel, 'b', 50)
    }
    const report = await kmod.unload(['a', 'b'], { mustBeLoaded: true, wait: 5_000 })
    expect(report.removed).toEqual(['a', 'b'])
  })

  test('a target that this call removed is not unknown, also if the index never had it', async () => {
    kernel.add('d').add('insmodded', { uses: ['d'] })
    kernel.beforeRemoval = (name) => {
      if (name === 'insmodded') kernel.modules.get('d')!.references = 1
    }
    expect(await kmod.unload('insmodded')).toMatchObject({
      removed: ['insmodded'],
      kept: [{ module: 'd', reason: 'in-use' }],
    })
  })

  test('a target that is removed while the call is in the queue is absent', async () => {
    kernel.add('insmodded', { exitTime: 100 })
    const [, second] = await Promise.all([kmod.unload('insmodded'), kmod.unload('insmodded')])
    expect(second).toMatchObject({ removed: [], absent: ['insmodded'] })
  })
})

test('a failing remove command of a soft dependency runs once', async () => {
  kernel.add('s').add('t')
  kernel.policies.set('t', { softDependencies: { pre: [], post: ['s'] } })
  kernel.policies.set('s', { removeCommand: 'false' })
  let runs = 0
  kernel.commands.set('s', () => ({ exitCode: ++runs, output: '' }))
  const report = await kmod.unload('t', { commands: 'run' })
  expect(runs).toBe(1)
  expect(report).toMatchObject({ removed: ['t'], kept: [{ module: 's', reason: 'command' }] })
})

test('a dependency is not kept if its remove command removed it and then failed', async () => {
  kernel.add('d').add('t', { uses: ['d'] })
  kernel.policies.set('d', { removeCommand: 'halfway' })
  kernel.commands.set('d', () => {
    kernel.modules.delete('d')
    return { exitCode: 1, output: '' }
  })
  expect(await kmod.unload('t', { commands: 'run' })).toMatchObject({
    removed: ['t', 'd'],
    kept: [],
  })
})

test('a change to the options of one plan changes no other plan', async () => {
  kernel.add('a')
  const plan = await kmod.plan('a')
  ;(plan.options.allow as string[]).push('root-filesystem')
  expect((await kmod.plan('a')).options.allow).toEqual([])
})

describe('restore', () => {
  beforeEach(() => {
    kernel.addToIndex({ name: 'b' }, { name: 'p', parameters: { q: '0' } })
    kernel.add('b').add('p')
  })

  test('does not touch a module that something else has loaded again', async () => {
    kernel.beforeRemoval = (name) => {
      if (name !== 'b') return
      kernel.add('p', { parameters: { q: '7' } })
      kernel.modules.get('b')!.permanent = true
    }
    const { report } = await rejection(kmod.unload(['p', 'b'], { onFailure: 'restore' }))
    expect(report).toMatchObject({
      restored: ['p'],
      reappeared: ['p'],
      notRestored: [],
      parametersLost: [{ module: 'p', name: 'q', before: '0', after: '7' }],
    })
    expect(kernel.modules.get('p')!.parameters).toEqual({ q: '7' })
    expect(kernel.removals).toEqual(['p', 'b'])
  })

  test('gives back the parameters that were set right before the removal', async () => {
    busyFor(kernel, 'p', 500)
    kernel.after(200, () => (kernel.modules.get('p')!.parameters.q = '5'))
    kernel.beforeRemoval = (name) => {
      if (name === 'b') kernel.modules.get('b')!.permanent = true
    }
    const { report } = await rejection(
      kmod.unload(['p', 'b'], { onFailure: 'restore', wait: 5_000 }),
    )
    expect(report).toMatchObject({ restored: ['p'], parametersLost: [] })
    expect(kernel.modules.get('p')!.parameters).toEqual({ q: '5' })
  })
})

describe('a module that is loaded again during the run', () => {
  test('is not removed if it is a soft dependency', async () => {
    kernel.add('s').add('t')
    kernel.policies.set('t', { softDependencies: { pre: ['s'], post: [] } })
    kernel.beforeRemoval = (name) => {
      if (name === 't') kernel.modules.delete('s')
      if (name === 't') kernel.add('s')
    }
    expect(await kmod.unload('t')).toMatchObject({ removed: ['t'], reappeared: ['s'] })
  })

  test('is removed again if it is a holder and there is a wait', async () => {
    kernel.add('t').add('h', { uses: ['t'] })
    let times = 0
    kernel.beforeRemoval = (name) => {
      if (name === 't' && times++ === 0) kernel.add('h', { uses: ['t'] })
    }
    const report = await kmod.unload('t', { holders: 'remove', wait: 5_000 })
    expect(report.removed).toEqual(['h', 't'])
    expect(kernel.removals).toEqual(['h', 't', 'h', 't'])
  })
})

test('a new holder of a dependency is no error', async () => {
  kernel
    .add('d')
    .add('t1', { uses: ['d'] })
    .add('t2')
  kernel.beforeRemoval = (name) => {
    if (name === 't1') kernel.add('stranger', { uses: ['d'] })
  }
  expect(await kmod.unload(['t1', 't2'])).toMatchObject({
    removed: ['t1', 't2'],
    kept: [{ module: 'd', reason: 'held' }],
  })
})

test('a dependency that is removed by the end is not in `kept`', async () => {
  kernel.add('d', { references: 1 }).add('t', { uses: ['d'] })
  const report = await kmod.unload('t', {
    onStep: ({ state }) => {
      if (state === 'done') kernel.modules.delete('d')
    },
  })
  expect(report).toMatchObject({ removed: ['t'], kept: [] })
})
