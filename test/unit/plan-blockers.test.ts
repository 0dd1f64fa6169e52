/** What blocks a plan, and undecided references. */
import { KmodError } from '../../lib/contract/errors'
import { Kmod } from '../../lib/kmod'
import { formatPlan } from '../../lib/plan/format'
import { SimulatedKernel } from '../../lib/testing/simulated-kernel'
import { addBridge, addInterface, codes } from '../support/simulated-modules'
import { openDevice } from '../support/snapshots'

let kernel: SimulatedKernel
let kmod: Kmod
beforeEach(() => {
  kernel = new SimulatedKernel()
  kmod = Kmod.over(kernel)
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
    } else addInterface(kernel, 'configfs', { type: 'tun' })
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
    addInterface(kernel, 'configfs', { hasDefaultRoute: true })
    expect(codes(await kmod.plan(['dlm', 'configfs']))).toContain('ERR_KMOD_CRITICAL')
  })

  test('a dependency must be harmless, also with guard: off', async () => {
    addDlm()
    addInterface(kernel, 'configfs')
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
    addBridge(kernel)
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
