/** Effects in a plan, and how the guard treats them. */
import { Kmod } from '../../lib/kmod'
import { rejection } from '../support/rejection'
import { SimulatedKernel } from '../../lib/testing/simulated-kernel'
import { addInterface, codes } from '../support/simulated-modules'

let kernel: SimulatedKernel
let kmod: Kmod
beforeEach(() => {
  kernel = new SimulatedKernel()
  kmod = Kmod.over(kernel)
})

describe('the guard', () => {
  beforeEach(() => {
    kernel.add('e1000')
    addInterface(kernel, 'e1000', { hasDefaultRoute: true })
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
    addInterface(kernel, 'e1000', { name: 'eth1' })
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
    addInterface(kernel, 'dummy', { name: 'dummy0' })
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

describe('a system that does not answer what depends on the modules', () => {
  const question = 'read what depends on the modules'
  const message = `Cannot ${question}: the system did not answer within 5 ms.`
  beforeEach(() => {
    kernel
      .add('base')
      .add('top', { uses: ['base'] })
      .add('user', { uses: ['top'] })
    kernel.snapshotNow.unanswered.push({ question, message })
    kernel.snapshotNow.unreadable.push(message)
  })

  test('blocks each target and each holder, because the guard cannot know', async () => {
    const plan = await kmod.plan('top', { holders: 'remove' })
    expect(plan).toMatchObject({ feasible: false, unreadable: [message] })
    expect(plan.blockers).toMatchObject([
      { code: 'ERR_KMOD_NO_ANSWER', module: 'top', question },
      { code: 'ERR_KMOD_NO_ANSWER', module: 'user', question },
    ])
    expect(plan.blockers[0]!.message).toContain(`(${question})`)
    expect(await rejection(kmod.unload(['top', 'user'], { wait: 5_000 }))).toMatchObject({
      code: 'ERR_KMOD_NO_ANSWER',
      module: 'top',
      question,
    })
    expect(kernel.removals).toEqual([])
  })

  test('does not block without a guard, but keeps dependencies', async () => {
    const plan = await kmod.plan(['top', 'user'], { guard: 'off' })
    expect(plan.blockers).toEqual([])
    expect(plan.steps.map(({ module }) => module)).toEqual(['user', 'top'])
    expect(plan.kept).toEqual([{ module: 'base', reason: 'effect' }])
  })

  test('makes impact() reject', async () => {
    expect(await rejection(kmod.impact('top'))).toMatchObject({
      code: 'ERR_KMOD_NO_ANSWER',
      question,
      message,
    })
  })
})
