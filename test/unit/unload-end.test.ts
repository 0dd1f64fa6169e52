/** The end of a run: dependencies that become free, and undecided references. */
import { Kmod } from '../../lib/kmod'
import { rejection } from '../support/rejection'
import { SimulatedKernel } from '../../lib/testing/simulated-kernel'

let kernel: SimulatedKernel
let kmod: Kmod
beforeEach(() => {
  kernel = new SimulatedKernel()
  kmod = Kmod.over(kernel)
})

describe('the end of a run', () => {
  /** Two modules that share one that they use, as vfat and msdos share fat. */
  const addShared = (): void => {
    kernel
      .add('fat')
      .add('vfat', { uses: ['fat'] })
      .add('msdos', { uses: ['fat'] })
  }

  test('two calls that share a dependency remove it', async () => {
    for (const exitTime of [0, 100]) {
      addShared()
      kernel.modules.get('msdos')!.exitTime = exitTime
      const reports = await Promise.all([kmod.unload('vfat'), kmod.unload('msdos')])
      expect(reports.flatMap(({ removed }) => removed).sort()).toEqual(['fat', 'msdos', 'vfat'])
      expect(reports.flatMap(({ kept }) => kept).length).toBeLessThan(2)
      expect(kernel.modules.size).toBe(0)
    }
    expect(kernel.removals.filter((name) => name === 'fat')).toHaveLength(2)
  })

  test('a call and another process', async () => {
    addShared()
    kernel.add('nls', {}).modules.get('fat')!.uses.push('nls')
    kernel.beforeRemoval = (name) => {
      if (name === 'vfat') kernel.modules.delete('msdos')
    }
    const events: unknown[] = []
    const report = await kmod.unload('vfat', {
      onStep: ({ step, state, index }) => events.push([step.module, state, index]),
    })
    expect(report).toMatchObject({ removed: ['vfat', 'fat', 'nls'], kept: [] })
    expect(report.steps.map(({ step }) => [step.module, step.reason])).toEqual([
      ['vfat', 'target'],
      ['fat', 'dependency'],
      ['nls', 'dependency'],
    ])
    expect(events.slice(2)).toEqual([
      ['fat', 'start', 1],
      ['fat', 'done', 1],
      ['nls', 'start', 2],
      ['nls', 'done', 2],
    ])
  })

  test('a dependency that was in use, and is not in use any more', async () => {
    kernel.add('d', { references: 1 }).add('t', { uses: ['d'] })
    kernel.beforeRemoval = () => (kernel.modules.get('d') ?? { references: 0 }).references--
    expect(await kmod.unload('t')).toMatchObject({ removed: ['t', 'd'], kept: [] })
  })

  test('a dependency that is configured to be loaded by then, or is still used, is kept', async () => {
    addShared()
    kernel.beforeRemoval = (name) => {
      if (name !== 'vfat') return
      kernel.modules.delete('msdos')
      kernel.policies.set('fat', { configured: true })
    }
    expect(await kmod.unload('vfat')).toMatchObject({
      removed: ['vfat'],
      kept: [{ module: 'fat', reason: 'configured' }],
    })
    expect(kernel.removals).toEqual(['vfat'])
  })

  test('a dependency that is busy again each time ends the call', async () => {
    kernel.add('d', { references: 1 }).add('t', { uses: ['d'] })
    kernel.beforeRemoval = (name) => (kernel.modules.get('d')!.references = name === 'd' ? 1 : 0)
    expect(await kmod.unload('t')).toMatchObject({
      removed: ['t'],
      kept: [{ module: 'd', reason: 'in-use' }],
    })
    expect(kernel.removals).toEqual(['t', 'd'])
  })

  test('a dependency that could not be restored is kept', async () => {
    addShared()
    kernel.addToIndex({ name: 'vfat', uses: ['fat'] })
    kernel.beforeRemoval = (name) => {
      if (name === 'vfat') kernel.modules.delete('msdos')
    }
    expect(await kmod.unload('vfat', { onFailure: 'restore' })).toMatchObject({
      removed: ['vfat'],
      kept: [{ module: 'fat', reason: 'held' }],
    })
  })

  test('a call with a given plan removes nothing that the plan does not name', async () => {
    addShared()
    const plan = await kmod.plan('vfat')
    kernel.beforeRemoval = (name) => {
      if (name === 'vfat') kernel.modules.delete('msdos')
    }
    expect(await kmod.unload(plan)).toMatchObject({
      removed: ['vfat'],
      kept: [{ module: 'fat', reason: 'held' }],
    })
  })

  test('a new holder is not removed for a given plan, also with wait', async () => {
    kernel
      .add('base')
      .add('mid', { uses: ['base'] })
      .add('top', { uses: ['mid'] })
    const options = { holders: 'remove', wait: 1_000 } as const
    const plan = await kmod.plan('base', options)
    kernel.beforeRemoval = (name) => {
      if (name === 'top') kernel.add('late', { uses: ['base'] })
    }
    expect(await rejection(kmod.unload(plan, options))).toMatchObject({
      code: 'ERR_KMOD_HELD',
      holders: ['late'],
      report: { removed: ['top', 'mid'] },
    })
    expect(kernel.modules.has('late')).toBe(true)
  })

  test('a dependency that was loaded again is not removed again', async () => {
    kernel
      .add('held')
      .add('d')
      .add('t', { uses: ['d', 'held'] })
      .add('x', { uses: ['held'] })
    let came = false
    kernel.beforeRemoval = (name) => {
      if (name === 't') kernel.modules.delete('x')
      if (name !== 'held' || came) return
      came = true
      kernel.add('d')
    }
    const report = await kmod.unload('t')
    expect(report).toMatchObject({ removed: ['t', 'd', 'held'], reappeared: ['d'] })
    expect(kernel.modules.has('d')).toBe(true)
  })
})

describe('undecided references that are not those of the holders', () => {
  beforeEach(() => {
    kernel
      .add('configfs', { references: 1 })
      .add('dlm', { uses: ['configfs'], takes: { configfs: 1 } })
  })

  test('a target is in use, and the report has what was removed', async () => {
    const plan = await kmod.plan(['dlm', 'configfs'])
    const error = await rejection(kmod.unload(['dlm', 'configfs']))
    expect(error).toMatchObject({
      code: 'ERR_KMOD_IN_USE',
      module: 'configfs',
      references: 1,
      users: [],
      report: { removed: ['dlm'], failed: { step: { module: 'configfs' } } },
    })
    // The plan at the start of the run, not the remaining steps.
    expect(error.plan).toEqual(plan)
  })

  test('a target is waited for', async () => {
    kernel.after(700, () => (kernel.modules.get('configfs')!.references = 0))
    const report = await kmod.unload(['dlm', 'configfs'], { wait: 5_000 })
    expect(report.removed).toEqual(['dlm', 'configfs'])
    expect(kernel.clock.now()).toBeGreaterThanOrEqual(700)
  })

  test('a dependency is kept, and onStep is called for the end of its step', async () => {
    const events: unknown[] = []
    const report = await kmod.unload('dlm', {
      onStep: ({ step, state, index, total }) => events.push([step.module, state, index, total]),
    })
    expect(report).toMatchObject({
      removed: ['dlm'],
      kept: [{ module: 'configfs', reason: 'in-use' }],
    })
    expect(events).toEqual([
      ['dlm', 'start', 0, 2],
      ['dlm', 'done', 0, 2],
      ['configfs', 'start', 1, 2],
      ['configfs', 'kept', 1, 1],
    ])
  })
})
