/** What a plan removes, what it keeps, and its shape. */
import { Kmod } from '../../lib/kmod'
import { formatPlan } from '../../lib/plan/format'
import type { UnloadPlan } from '../../lib/contract/types'
import { SimulatedKernel } from '../../lib/testing/simulated-kernel'
import { addBridge, addInterface } from '../support/simulated-modules'
import { openDevice } from '../support/snapshots'

let kernel: SimulatedKernel
let kmod: Kmod
beforeEach(() => {
  kernel = new SimulatedKernel()
  kmod = Kmod.over(kernel)
})

const names = (plan: UnloadPlan): string[] => plan.steps.map((step) => step.module)

describe('the removal set', () => {
  beforeEach(() => addBridge(kernel))

  test('has all dependencies that nothing else uses', async () => {
    const plan = await kmod.plan('br_netfilter')
    expect(plan).toMatchObject({
      targets: ['br_netfilter'],
      absent: [],
      blockers: [],
      kept: [],
      effects: [],
      feasible: true,
      unreadable: [],
    })
    expect(plan.steps).toEqual([
      { action: 'remove', module: 'br_netfilter', reason: 'target' },
      { action: 'remove', module: 'bridge', reason: 'dependency' },
      { action: 'remove', module: 'stp', reason: 'dependency' },
      { action: 'remove', module: 'llc', reason: 'dependency' },
    ])
    expect(formatPlan(plan)).toBe('rmmod br_netfilter\nrmmod bridge\nrmmod stp\nrmmod llc')
    expect(kernel.removals).toEqual([])
  })

  test('is the same for targets in any order', async () => {
    for (const order of [
      ['llc', 'stp', 'bridge', 'br-netfilter'],
      ['stp', 'br_netfilter', 'llc', 'bridge', 'stp'],
    ]) {
      const plan = await kmod.plan(order)
      expect(plan.feasible).toBe(true)
      expect(names(plan)).toEqual(['br_netfilter', 'bridge', 'stp', 'llc'])
      expect(plan.steps.every(({ reason }) => reason === 'target')).toBe(true)
    }
  })

  test('a holder blocks by default', async () => {
    const plan = await kmod.plan('llc')
    expect(plan.feasible).toBe(false)
    expect(plan.blockers).toEqual([
      {
        code: 'ERR_KMOD_HELD',
        module: 'llc',
        holders: ['stp', 'bridge'],
        message: expect.stringMatching(/llc.*stp.*bridge/) as string,
      },
    ])
  })

  test('has all direct and indirect holders with holders: remove', async () => {
    const plan = await kmod.plan('llc', { holders: 'remove' })
    expect(plan.feasible).toBe(true)
    expect(plan.steps.map(({ module, reason }) => [module, reason])).toEqual([
      ['br_netfilter', 'holder'],
      ['bridge', 'holder'],
      ['stp', 'holder'],
      ['llc', 'target'],
    ])
  })

  test('a holder that is in use blocks', async () => {
    kernel.modules.get('br_netfilter')!.references = 2
    const plan = await kmod.plan('llc', { holders: 'remove' })
    expect(plan.blockers).toMatchObject([
      { code: 'ERR_KMOD_IN_USE', module: 'br_netfilter', references: 2 },
    ])
  })

  test('a module that only modules being unloaded use is transient', async () => {
    kernel.add('leaving', { uses: ['idle'], state: 'unloading' }).add('idle')
    expect((await kmod.plan('idle')).blockers).toMatchObject([
      { code: 'ERR_KMOD_TRANSIENT', module: 'idle' },
    ])
  })
})

describe('the reason why a dependency is kept', () => {
  const kept = async (options = {}): Promise<unknown> => (await kmod.plan('top', options)).kept

  test.each([
    ['held', () => kernel.add('other', { uses: ['base'] })],
    [
      'in-use',
      () => {
        kernel.modules.get('base')!.references = 1
        kernel.snapshotNow.openDevices.push(openDevice(7, '/dev/base', { modules: ['base'] }))
      },
    ],
    ['permanent', () => (kernel.modules.get('base')!.permanent = true)],
    ['transient', () => (kernel.modules.get('base')!.state = 'unloading')],
    ['command', () => kernel.policies.set('base', { removeCommand: '/bin/true' })],
    ['configured', () => kernel.policies.set('base', { configured: true })],
    ['effect', () => addInterface(kernel, 'base')],
  ])('%s', async (reason, make) => {
    kernel.add('base').add('top', { uses: ['base'] })
    make()
    expect(await kept()).toEqual([{ module: 'base', reason }])
    expect(names(await kmod.plan('top'))).toEqual(['top'])
  })

  test('option', async () => {
    kernel.add('base').add('top', { uses: ['base'] })
    expect(await kept({ dependencies: 'keep' })).toEqual([{ module: 'base', reason: 'option' }])
  })

  test('an effect of a dependency counts also with guard: off', async () => {
    kernel.add('base').add('top', { uses: ['base'] })
    addInterface(kernel, 'base')
    expect(await kept({ guard: 'off' })).toEqual([{ module: 'base', reason: 'effect' }])
  })

  test('a remove command that runs or is skipped is no reason to keep a dependency', async () => {
    kernel.add('base').add('top', { uses: ['base'] })
    kernel.policies.set('base', { removeCommand: '/bin/true' })
    expect((await kmod.plan('top', { commands: 'run' })).steps[1]).toEqual({
      action: 'run',
      module: 'base',
      reason: 'dependency',
      shell: '/bin/true',
    })
    expect((await kmod.plan('top', { commands: 'skip' })).steps[1]).toEqual({
      action: 'remove',
      module: 'base',
      reason: 'dependency',
    })
  })
})

describe('soft dependencies', () => {
  const soft = (name: string, pre: string[], post: string[]): void => {
    kernel.policies.set(name, { softDependencies: { pre, post } })
  }

  test('post is removed before the module and pre after it; those not loaded are ignored', async () => {
    kernel.add('a').add('p').add('q').add('z')
    soft('a', ['p', 'nowhere'], ['q', 'z'])
    const plan = await kmod.plan('a')
    expect(plan.steps).toEqual([
      { action: 'remove', module: 'q', reason: 'soft-dependency' },
      { action: 'remove', module: 'z', reason: 'soft-dependency' },
      { action: 'remove', module: 'a', reason: 'target' },
      { action: 'remove', module: 'p', reason: 'soft-dependency' },
    ])
  })

  test('one that is in use is kept and does not block', async () => {
    kernel.add('a').add('q', { references: 1 })
    soft('a', [], ['q'])
    const plan = await kmod.plan('a')
    expect(plan.feasible).toBe(true)
    expect(names(plan)).toEqual(['a'])
    expect(plan.kept).toEqual([{ module: 'q', reason: 'in-use' }])
  })

  test('cycles end', async () => {
    kernel.add('a').add('b')
    soft('a', [], ['b'])
    soft('b', [], ['a'])
    expect(names(await kmod.plan('a'))).toEqual(['b', 'a'])
    expect(names(await kmod.plan(['a', 'b'])).sort()).toEqual(['a', 'b'])
    soft('a', ['a'], ['a'])
    expect(names(await kmod.plan('a'))).toEqual(['a'])
  })

  test('never put a module before its holder', async () => {
    kernel.add('base').add('top', { uses: ['base'] })
    soft('top', [], ['base'])
    expect(names(await kmod.plan('top'))).toEqual(['top', 'base'])
  })

  test('never remove a module that uses the target under holders: refuse', async () => {
    kernel
      .add('b')
      .add('mid', { uses: ['b'] })
      .add('a', { uses: ['mid'] })
    soft('b', ['a'], [])
    const plan = await kmod.plan('b')
    expect(plan.blockers).toMatchObject([{ code: 'ERR_KMOD_HELD', module: 'b', holders: ['mid'] }])
    expect(names(plan)).toEqual(['b'])
    expect(plan.kept).toEqual([{ module: 'a', reason: 'option' }])
    expect(names(await kmod.plan('b', { holders: 'remove' }))).toEqual(['a', 'mid', 'b'])
    // It is a dependency if a target uses it.
    kernel.add('top', { uses: ['a'] })
    expect((await kmod.plan(['b', 'top'])).steps.map((one) => [one.module, one.reason])).toEqual([
      ['top', 'target'],
      ['a', 'dependency'],
      ['mid', 'dependency'],
      ['b', 'target'],
    ])
  })

  test('of dependencies do not count', async () => {
    kernel
      .add('base')
      .add('top', { uses: ['base'] })
      .add('far')
    soft('base', ['far'], [])
    expect(names(await kmod.plan('top'))).toEqual(['top', 'base'])
  })

  test('are ignored with softDependencies: false', async () => {
    kernel.add('a').add('q')
    soft('a', [], ['q'])
    expect(names(await kmod.plan('a', { softDependencies: false }))).toEqual(['a'])
  })
})

test('a plan is plain JSON with all options filled in', async () => {
  addBridge(kernel)
  const plan = await kmod.plan('bridge', { wait: 5, allow: ['interface'] })
  expect(JSON.parse(JSON.stringify(plan))).toEqual(plan)
  expect(plan.options).toEqual({
    holders: 'refuse',
    dependencies: 'unused',
    softDependencies: true,
    commands: 'refuse',
    guard: 'refuse',
    allow: ['interface'],
    force: false,
    mustBeLoaded: false,
    release: [],
    allowUnknown: false,
  })
})
