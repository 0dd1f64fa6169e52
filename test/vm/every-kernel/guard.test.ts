/** The effects that the guard finds for the modules of a plan: interfaces, routes, mounts, swap. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { kmod } from 'node-kmod'
import {
  addLink,
  addNamespace,
  afterThisTest,
  attempt,
  countOf,
  isInKernel,
  modprobe,
  run,
  temporaryFolder,
} from '../support'

const ip = (...args: string[]): void => void run('ip', args)

describe('a network interface', () => {
  test('disappears with a module of reference count 0, and is an effect', async () => {
    addLink('kbr0', 'type', 'bridge')
    expect(countOf('bridge')).toBe(0)
    const plan = await kmod.plan('bridge')
    expect(plan.effects).toMatchObject([
      { kind: 'interface', severity: 'disruptive', module: 'bridge', subject: 'kbr0' },
    ])
    expect(plan.feasible).toBe(true)
    expect((await kmod.plan('bridge', { guard: 'strict' })).blockers).toMatchObject([
      { code: 'ERR_KMOD_CRITICAL', effect: { subject: 'kbr0' } },
    ])
    expect(
      (await kmod.plan('bridge', { guard: 'strict', allow: ['interface:kbr0'] })).feasible,
    ).toBe(true)
    ip('link', 'del', 'kbr0')
    expect((await kmod.plan('bridge', { guard: 'strict' })).feasible).toBe(true)
  })

  test('with the default route blocks: IPv4, IPv6, and below a VLAN', async () => {
    modprobe('dummy', 'numdummies=0')
    addLink('kd0', 'type', 'dummy')
    ip('link', 'set', 'kd0', 'up')
    expect((await kmod.plan('dummy')).feasible).toBe(true)
    for (const family of ['-4', '-6']) {
      ip(family, 'route', 'add', 'default', 'dev', 'kd0')
      expect((await kmod.plan('dummy')).blockers).toMatchObject([
        {
          code: 'ERR_KMOD_CRITICAL',
          effect: { kind: 'default-route', severity: 'critical', subject: 'kd0' },
        },
      ])
      ip(family, 'route', 'del', 'default', 'dev', 'kd0')
    }
    addLink('kd0.7', 'link', 'kd0', 'type', 'vlan', 'id', '7')
    ip('link', 'set', 'kd0.7', 'up')
    ip('route', 'add', 'default', 'dev', 'kd0.7')
    const codes = (await kmod.plan('dummy')).blockers.map(({ code }) => code)
    expect(codes).toContain('ERR_KMOD_CRITICAL')
    expect((await kmod.plan('dummy', { guard: 'off' })).feasible).toBe(true)
  })

  test('is also found in a network namespace without a process', async () => {
    addNamespace('kns')
    ip('-n', 'kns', 'link', 'add', 'kbr1', 'type', 'bridge')
    const { effects } = await kmod.plan('bridge')
    expect(effects).toHaveLength(1)
    expect(effects[0]).toMatchObject({ kind: 'interface', module: 'bridge' })
    expect(effects[0]!.subject).toMatch(/kns.*kbr1/)
  })

  test('keeps its module, if that is only a dependency, with any value of guard', async () => {
    modprobe('br_netfilter')
    addLink('kbr0', 'type', 'bridge')
    for (const guard of ['refuse', 'off'] as const) {
      const plan = await kmod.plan('br_netfilter', { guard })
      expect(plan.steps.map(({ module }) => module)).toEqual(['br_netfilter'])
      expect(plan.kept).toEqual([{ module: 'bridge', reason: 'effect' }])
    }
  })
})

describe('storage', () => {
  test('a mounted file system, its loop device and swap are effects', async () => {
    // A path with a blank, which is escaped in /proc/mounts.
    const folder = join(temporaryFolder(), 'a folder')
    const mountPoint = join(folder, 'mount point')
    mkdirSync(mountPoint, { recursive: true })
    const [image, swap] = [join(folder, 'image'), join(folder, 'swap')]
    run('truncate', ['-s', '16M', image, swap])
    run('mkfs.ext4', ['-q', image])
    run('mkswap', [swap])
    modprobe('-a', 'loop', 'ext4')
    run('mount', ['-o', 'loop', image, mountPoint])
    afterThisTest(() => attempt('umount', [mountPoint]))
    const swapDevice = run('losetup', ['--show', '-f', swap]).trim()
    afterThisTest(() => attempt('losetup', ['-d', swapDevice]))
    run('swapon', [swapDevice])
    afterThisTest(() => attempt('swapoff', [swapDevice]))

    for (const module of ['ext4', 'loop'].filter(isInKernel)) {
      const plan = await kmod.plan(module)
      // The kernel itself refuses, so the effect is no blocker.
      expect(plan.blockers.map(({ code }) => code)).toEqual(['ERR_KMOD_IN_USE'])
      expect(plan.effects).toContainEqual(
        expect.objectContaining({
          kind: 'filesystem',
          severity: 'critical',
          module,
          subject: mountPoint,
        }),
      )
    }
    if (isInKernel('loop')) {
      expect((await kmod.impact('loop')).map(({ kind, subject }) => [kind, subject])).toEqual(
        expect.arrayContaining([
          ['filesystem', mountPoint],
          ['swap', swapDevice],
        ]),
      )
    }
  })

  test('the root file system is a critical effect of its module', async () => {
    const [, , type] = run('findmnt', ['-n', '-o', 'TARGET,SOURCE,FSTYPE', '/']).trim().split(/\s+/)
    expect(await kmod.impact(`fs-${type}`)).toContainEqual(
      expect.objectContaining({ kind: 'root-filesystem', severity: 'critical', subject: '/' }),
    )
  })
})
