import { KmodError } from '../../lib/contract/errors'
import { Kmod } from '../../lib/kmod'
import type { NetworkInterface } from '../../lib/kernel/snapshot'
import { formatPlan } from '../../lib/plan/format'
import type { UnloadPlan } from '../../lib/contract/types'
import { SimulatedKernel } from '../support/simulated-kernel'
import { openDevice } from '../support/snapshots'

let kernel: SimulatedKernel
let kmod: Kmod
beforeEach(() => {
  kernel = new SimulatedKernel()
  kmod = Kmod.over(kernel)
})

/** The modules that `modprobe br_netfilter` loads on a real system. */
function addBridge(): void {
  kernel
    .add('llc')
    .add('stp', { uses: ['llc'] })
    .add('bridge', { uses: ['stp', 'llc'] })
    .add('br_netfilter', { uses: ['bridge'] })
}

const addInterface = (module: string, more: Partial<NetworkInterface> = {}): void => {
  kernel.snapshotNow.interfaces.push({
    name: 'eth0',
    netns: null,
    up: true,
    type: null,
    master: null,
    lower: [],
    hasDefaultRoute: false,
    modules: [module],
    ...more,
  })
}

const names = (plan: UnloadPlan): string[] => plan.steps.map((step) => step.module)
const codes = (plan: UnloadPlan): string[] => plan.blockers.map(({ code }) => code)

describe('the removal set', () => {
  beforeEach(addBridge)

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
    ['effect', () => addInterface('base')],
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
    addInterface('base')
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

describe('blockers', () => {
  test('a remove command of a target', async () => {
    kernel.add('a')
    kernel.policies.set('a', { removeCommand: 'echo $MODPROBE_MODULE' })
    const refused = await kmod.plan('a')
    expect(refused.blockers).toMatchObject([
      { code: 'ERR_KMOD_REMOVE_COMMAND', module: 'a', shell: 'echo $MODPROBE_MODULE' },
    ])
    const run = await kmod.plan('a', { commands: 'run' })
    expect(run.steps).toMatchObject([{ action: 'run', shell: 'echo $MODPROBE_MODULE' }])
    expect(formatPlan(run)).toBe('remove echo $MODPROBE_MODULE')
    expect((await kmod.plan('a', { commands: 'skip' })).steps).toMatchObject([{ action: 'remove' }])
  })

  test('force overrides references and a missing exit function, never holders or the state', async () => {
    kernel.add('busy', { references: 1 }).add('fixed', { permanent: true })
    kernel
      .add('going', { state: 'unloading' })
      .add('base')
      .add('top', { uses: ['base'] })
    expect((await kmod.plan(['busy', 'fixed'], { force: true })).feasible).toBe(true)
    expect(codes(await kmod.plan(['going', 'base'], { force: true }))).toEqual([
      'ERR_KMOD_HELD',
      'ERR_KMOD_TRANSIENT',
    ])
    kernel.factsNow.kernel.forceUnload = false
    await expect(kmod.plan('busy', { force: true })).rejects.toMatchObject({
      code: 'ERR_KMOD_UNSUPPORTED',
    })
  })

  test('those that cannot pass come first, then held, in use, transient', async () => {
    kernel
      .add('going', { state: 'unloading' })
      .add('busy', { references: 1 })
      .add('base')
      .add('top', { uses: ['base'] })
      .add('fixed', { permanent: true })
    const plan = await kmod.plan(['going', 'busy', 'base', 'fixed'])
    expect(codes(plan)).toEqual([
      'ERR_KMOD_PERMANENT',
      'ERR_KMOD_HELD',
      'ERR_KMOD_IN_USE',
      'ERR_KMOD_TRANSIENT',
    ])
  })
})

describe('undecided references', () => {
  const step = (module: string, reason: string, undecided: number): unknown => ({
    action: 'remove',
    module,
    reason,
    undecided,
  })
  /** What modprobe dlm loads: dlm takes a reference on configfs besides the one of its link. */
  const addDlm = (): void => {
    kernel.add('configfs').add('dlm', { uses: ['configfs'], takes: { configfs: 1 } })
  }

  test('of a dependency: it is removed after its holder', async () => {
    addDlm()
    const plan = await kmod.plan('dlm')
    expect(plan).toMatchObject({ feasible: true, kept: [] })
    expect(plan.steps[1]).toEqual(step('configfs', 'dependency', 1))
    expect(JSON.parse(JSON.stringify(plan))).toEqual(plan)
  })

  test('of a target, and of a target whose holders are removed', async () => {
    addDlm()
    expect((await kmod.plan(['configfs', 'dlm'])).steps[1]).toEqual(step('configfs', 'target', 1))
    kernel
      .add('ip_vs')
      .add('ip_vs_rr', { uses: ['ip_vs'], takes: { ip_vs: 2 } })
      .add('ip_vs_wlc', { uses: ['ip_vs'], takes: { ip_vs: 2 } })
    const plan = await kmod.plan('ip_vs', { holders: 'remove' })
    expect(plan).toMatchObject({ feasible: true, blockers: [] })
    expect(plan.steps[2]).toEqual(step('ip_vs', 'target', 4))
  })

  test('not if a holder stays', async () => {
    addDlm()
    kernel.add('other', { uses: ['configfs'] })
    expect((await kmod.plan('dlm')).kept).toEqual([{ module: 'configfs', reason: 'held' }])
  })

  test('not if the module has no holder', async () => {
    kernel.add('busy', { references: 1 })
    expect(codes(await kmod.plan('busy'))).toEqual(['ERR_KMOD_IN_USE'])
  })

  test.each([
    ['a reference', 1],
    ['a number of references that is not known', null],
  ])('not if a visible user has %s', async (_, references) => {
    addDlm()
    if (references === 1) {
      kernel.snapshotNow.openDevices.push(openDevice(7, '/dev/x', { modules: ['configfs'] }))
    } else addInterface('configfs', { type: 'tun' })
    const plan = await kmod.plan(['dlm', 'configfs'])
    expect(plan.blockers[0]).toMatchObject({
      code: 'ERR_KMOD_IN_USE',
      module: 'configfs',
      references: 1,
      users: [{ references }],
    })
    expect((await kmod.plan('dlm')).kept).toMatchObject([{ module: 'configfs', reason: 'in-use' }])
  })

  test('not if processes could not be read, or the survey failed', async () => {
    addDlm()
    kernel.snapshotNow = { ...kernel.snapshotNow, allProcessesRead: false, unreadable: ['some'] }
    const plan = await kmod.plan(['dlm', 'configfs'])
    expect(plan.blockers).toMatchObject([{ code: 'ERR_KMOD_IN_USE', users: [] }])
    expect(plan.unreadable).toEqual(['some'])
    kernel.snapshot = () => Promise.reject(new KmodError('ERR_KMOD_SYSTEM', 'No survey.'))
    expect(codes(await kmod.plan(['dlm', 'configfs'], { guard: 'off' }))).toEqual([
      'ERR_KMOD_IN_USE',
    ])
  })

  test('the guard checks a target that may be free', async () => {
    addDlm()
    addInterface('configfs', { hasDefaultRoute: true })
    expect(codes(await kmod.plan(['dlm', 'configfs']))).toContain('ERR_KMOD_CRITICAL')
  })

  test('a dependency must be harmless, also with guard: off', async () => {
    addDlm()
    addInterface('configfs')
    expect((await kmod.plan('dlm', { guard: 'off' })).kept).toEqual([
      { module: 'configfs', reason: 'in-use' },
    ])
  })

  test('force needs no decision', async () => {
    addDlm()
    const plan = await kmod.plan(['dlm', 'configfs'], { force: true })
    expect(plan.steps[1]).toEqual({ action: 'remove', module: 'configfs', reason: 'target' })
  })

  test('every process is read only if there is such a module', async () => {
    const asked: boolean[] = []
    const { snapshot } = kernel
    kernel.snapshot = (wanted?: { users: boolean }) => {
      asked.push(wanted!.users)
      return snapshot.call(kernel)
    }
    addBridge()
    await kmod.plan('br_netfilter')
    expect(asked).toEqual([false])
    addDlm()
    await kmod.plan('dlm')
    expect(asked).toEqual([false, false, true])
  })
})

describe('modules that use each other in a circle', () => {
  test('block, with the holders in the circle', async () => {
    kernel.add('a', { uses: ['b'] }).add('b', { uses: ['a'] })
    kernel.add('below').modules.get('a')!.uses.push('below')
    for (const [targets, holders] of [
      [['a'], 'remove'],
      [['a', 'b'], 'refuse'],
    ] as const) {
      const plan = await kmod.plan(targets, { holders })
      expect(plan.feasible).toBe(false)
      const blockers = plan.blockers.map((one) => [
        one.code,
        one.module,
        'holders' in one ? one.holders : [],
      ])
      expect(blockers.sort()).toEqual([
        ['ERR_KMOD_HELD', 'a', ['b']],
        ['ERR_KMOD_HELD', 'b', ['a']],
      ])
    }
    expect(codes(await kmod.plan('below', { holders: 'remove' }))).toEqual(
      Array(3).fill('ERR_KMOD_HELD'),
    )
  })

  test('a module that holds itself', async () => {
    kernel.add('self', { uses: ['self'] }).add('top', { uses: ['self'] })
    expect((await kmod.plan('self', { holders: 'remove' })).blockers).toMatchObject([
      { code: 'ERR_KMOD_HELD', module: 'self', holders: ['self'] },
    ])
    expect((await kmod.plan('top')).kept).toEqual([{ module: 'self', reason: 'held' }])
  })
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

describe('the guard', () => {
  beforeEach(() => {
    kernel.add('e1000')
    addInterface('e1000', { hasDefaultRoute: true })
  })

  test('refuses the network card of the default route at reference count 0', async () => {
    const plan = await kmod.plan('e1000')
    expect(plan.blockers).toMatchObject([
      {
        code: 'ERR_KMOD_CRITICAL',
        module: 'e1000',
        effect: { kind: 'default-route', severity: 'critical', subject: 'eth0' },
      },
    ])
    expect(plan.effects).toMatchObject([
      plan.blockers[0] && 'effect' in plan.blockers[0] ? plan.blockers[0].effect : {},
      { kind: 'interface', subject: 'eth0' },
    ])
  })

  test('an accepted default route does not accept the session on the same interface', async () => {
    kernel.snapshotNow.sessions.push({ netns: null, interface: 'eth0', remote: '192.0.2.7:22' })
    expect((await kmod.plan('e1000', { allow: ['default-route'] })).blockers).toMatchObject([
      { code: 'ERR_KMOD_CRITICAL', effect: { kind: 'session', subject: 'eth0' } },
    ])
    const allow = ['default-route', 'session'] as const
    expect((await kmod.plan('e1000', { allow })).feasible).toBe(true)
  })

  test('a dependency that drives a device is kept, also without the guard', async () => {
    kernel.add('button').add('nouveau', { uses: ['button'] })
    const device = { bus: 'acpi', device: 'LNXPWRBN:00', driver: 'button', modules: ['button'] }
    kernel.snapshotNow.boundDevices.push(device)
    for (const guard of ['refuse', 'off'] as const) {
      const plan = await kmod.plan('nouveau', { guard })
      expect(plan.kept).toEqual([{ module: 'button', reason: 'device' }])
      expect(plan.steps.map(({ module }) => module)).toEqual(['nouveau'])
    }
    expect((await kmod.plan('button', { holders: 'remove' })).feasible).toBe(true)
  })

  test('an accepted effect does not block and is in the plan', async () => {
    for (const allow of ['default-route', 'default-route:eth0'] as const) {
      const plan = await kmod.plan('e1000', { allow: [allow] })
      expect(plan).toMatchObject({ feasible: true, effects: [{ kind: 'default-route' }, {}] })
    }
    expect((await kmod.plan('e1000', { allow: ['default-route:wlan0'] })).feasible).toBe(false)
    expect(await kmod.plan('e1000', { guard: 'off' })).toMatchObject({
      feasible: true,
      effects: [],
    })
  })

  test('each effect is accepted by itself', async () => {
    addInterface('e1000', { name: 'eth1' })
    kernel.snapshotNow.sessions.push({ netns: null, interface: 'eth1', remote: '192.0.2.7:22' })
    expect(codes(await kmod.plan('e1000'))).toEqual(['ERR_KMOD_CRITICAL', 'ERR_KMOD_CRITICAL'])
    const plan = await kmod.plan('e1000', { allow: ['default-route'] })
    expect(plan.blockers).toMatchObject([{ effect: { kind: 'session', subject: 'eth1' } }])
    const both = await kmod.plan('e1000', { allow: ['default-route', 'session:eth1'] })
    expect(both.feasible).toBe(true)
    expect(both.effects.map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(['default-route', 'session']),
    )
  })

  test('disruptive effects block only with guard: strict', async () => {
    kernel.add('dummy')
    addInterface('dummy', { name: 'dummy0' })
    expect((await kmod.plan('dummy')).feasible).toBe(true)
    const strict = await kmod.plan('dummy', { guard: 'strict' })
    expect(strict.blockers).toMatchObject([
      { code: 'ERR_KMOD_CRITICAL', effect: { kind: 'interface', subject: 'dummy0' } },
    ])
  })

  test('if the kernel would refuse, the blocker is the reason of the kernel', async () => {
    kernel.modules.get('e1000')!.references = 1
    const plan = await kmod.plan('e1000')
    expect(codes(plan)).toEqual(['ERR_KMOD_IN_USE'])
    expect(plan.effects).toMatchObject([{ kind: 'default-route' }, { kind: 'interface' }])
    expect(codes(await kmod.plan('e1000', { force: true }))).toEqual(['ERR_KMOD_CRITICAL'])
  })

  test('looks at holders that are removed', async () => {
    kernel.add('base').modules.get('e1000')!.uses.push('base')
    expect((await kmod.plan('base', { holders: 'remove' })).blockers).toMatchObject([
      { code: 'ERR_KMOD_CRITICAL', module: 'e1000' },
    ])
  })
})

test('a plan is plain JSON with all options filled in', async () => {
  addBridge()
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
    allowUnknown: false,
  })
})
