/** unload(): plan, wait, restore. */
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { Kmod, kmod, type UnloadEvent } from 'node-kmod'
import {
  addLink,
  isInKernel,
  lsmod,
  modprobe,
  openTun,
  rejection,
  removeModules,
  run,
} from '../support'

const CHAIN = ['br_netfilter', 'bridge', 'stp', 'llc']
const loaded = (): string[] =>
  lsmod()
    .map(({ name }) => name)
    .sort()

let before: string[]
beforeEach(() => {
  before = loaded()
})

describe('what was planned', () => {
  test('is removed, and nothing else', async () => {
    modprobe('br_netfilter')
    const plan = await kmod.plan('br_netfilter')
    const report = await kmod.unload('br_netfilter')
    expect(loaded()).toEqual(before)
    expect(report).toMatchObject({
      removed: CHAIN,
      absent: [],
      kept: [],
      reappeared: [],
      failed: null,
      newTaints: [],
      clean: true,
    })
    expect(report.steps.map(({ step }) => step)).toEqual(plan.steps)
    for (const { attempts, duration } of report.steps) {
      expect(attempts).toBe(1)
      expect(duration).toBeGreaterThan(0)
    }
    expect(report.messages).toEqual(expect.any(Array))
    expect(await kmod.unload('br_netfilter')).toMatchObject({ absent: ['br_netfilter'] })
  })

  test('is reported with the kernel messages since the start', async () => {
    modprobe('dummy')
    writeFileSync('/dev/kmsg', '<6>unload-test: before\n')
    const report = await kmod.unload('dummy', {
      onStep: ({ state }) => {
        if (state === 'start') writeFileSync('/dev/kmsg', '<6>unload-test: in the middle\n')
      },
    })
    expect(report.messages!.filter((text) => text.includes('unload-test'))).toEqual([
      'unload-test: in the middle',
    ])
    // The library does not write to the kernel log itself.
    expect(run('dmesg', []).match(/unload-test/g)).toHaveLength(2)
  })

  test("includes the holders, with holders: 'remove'", async () => {
    modprobe('br_netfilter')
    expect(await rejection(kmod.unload('llc'))).toMatchObject({
      code: 'ERR_KMOD_HELD',
      module: 'llc',
      plan: { feasible: false },
    })
    const report = await kmod.unload('llc', { holders: 'remove' })
    expect(report.removed).toEqual(CHAIN)
    expect(loaded()).toEqual(before)
  })

  test('can be given as a plan; one that is out of date is refused', async () => {
    modprobe('br_netfilter')
    const plan = JSON.parse(JSON.stringify(await kmod.plan('br_netfilter'))) as never
    addLink('kbr0', 'type', 'bridge')
    expect(await rejection(kmod.unload(plan))).toMatchObject({
      code: 'ERR_KMOD_PLAN_CHANGED',
      plan: { kept: [{ module: 'bridge', reason: 'effect' }] },
    })
    expect(isInKernel('br_netfilter')).toBe(true)
    run('ip', ['link', 'del', 'kbr0'])
    expect((await kmod.unload(plan)).removed).toEqual(CHAIN)
  })

  test('is refused by the guard, before anything is removed', async () => {
    modprobe('dummy', 'numdummies=0')
    addLink('kd0', 'type', 'dummy')
    run('ip', ['link', 'set', 'kd0', 'up'])
    run('ip', ['route', 'add', 'default', 'dev', 'kd0'])
    expect(await rejection(kmod.unload('dummy'))).toMatchObject({
      code: 'ERR_KMOD_CRITICAL',
      effect: { kind: 'default-route', subject: 'kd0' },
    })
    expect(isInKernel('dummy')).toBe(true)
    await kmod.unload('dummy', { allow: ['default-route:kd0'] })
    expect(isInKernel('dummy')).toBe(false)
  })
})

describe('a module in use', () => {
  test('rejects with its users', async () => {
    await openTun()
    const error = await rejection(kmod.unload('tun'))
    expect(error).toMatchObject({
      code: 'ERR_KMOD_IN_USE',
      module: 'tun',
      users: [{ kind: 'process', pid: process.pid, path: '/dev/net/tun', self: true }],
    })
    expect(error.message).toContain('/dev/net/tun')
  })

  test('is waited for, and onStep is called', async () => {
    const device = await openTun()
    const events: UnloadEvent['state'][] = []
    const unloading = kmod.unload('tun', {
      wait: 30_000,
      onStep: ({ state }) => {
        events.push(state)
        if (state === 'waiting') setTimeout(() => void device.close(), 300)
      },
    })
    expect((await unloading).removed).toEqual(['tun'])
    expect(events).toEqual(['waiting', 'start', 'done'])
  })

  test('can be released by onBlocked', async () => {
    const device = await openTun()
    const report = await kmod.unload('tun', {
      wait: 30_000,
      onBlocked: async (blocker, users) => {
        expect(blocker.code).toBe('ERR_KMOD_IN_USE')
        expect(users).toMatchObject([{ fd: device.fd }])
        await device.close()
      },
    })
    expect(report.removed).toEqual(['tun'])
  })

  test('is waited for until the deadline at most', async () => {
    await openTun()
    const error = await rejection(kmod.unload('tun', { wait: 400 }))
    expect(error).toMatchObject({
      code: 'ERR_KMOD_TIMEOUT',
      module: 'tun',
      blocker: { code: 'ERR_KMOD_IN_USE' },
      users: [{ kind: 'process', pid: process.pid }],
      cause: { code: 'ERR_KMOD_IN_USE' },
      report: { removed: [] },
    })
    expect(isInKernel('tun')).toBe(true)
  })

  test('is waited for until the signal aborts', async () => {
    await openTun()
    const controller = new AbortController()
    const error = rejection(
      kmod.unload('tun', {
        wait: Infinity,
        signal: controller.signal,
        onStep: () => setTimeout(() => controller.abort(), 100),
      }),
    )
    expect(await error).toMatchObject({ code: 'ERR_KMOD_ABORTED', name: 'AbortError' })
    expect(isInKernel('tun')).toBe(true)
  })
})

describe('restore', () => {
  test('loads what this call removed, when a later step fails', async () => {
    modprobe('-a', 'br_netfilter', 'tun')
    const all = loaded()
    let late = -1
    const error = await rejection(
      kmod.unload(['br_netfilter', 'tun'], {
        onFailure: 'restore',
        onStep: ({ step, state }) => {
          if (step.module === 'tun' && state === 'start') late = openSync('/dev/net/tun', 'r+')
        },
      }),
    )
    closeSync(late)
    const { report } = error
    expect(error).toMatchObject({ code: 'ERR_KMOD_IN_USE', module: 'tun' })
    expect(report!.removed.length).toBeGreaterThan(0)
    expect(report!.restored).toEqual([...report!.removed].reverse())
    expect(report!.notRestored).toEqual([])
    expect(loaded()).toEqual(all)
  })

  test('is not needed for a plan that is not feasible', async () => {
    modprobe('br_netfilter')
    await openTun()
    const error = await rejection(
      kmod.unload(['br_netfilter', 'tun'], { onFailure: 'restore', wait: 0 }),
    )
    expect(error).toMatchObject({ code: 'ERR_KMOD_IN_USE', report: { removed: [] } })
  })

  test('loads a module with its parameters', async () => {
    removeModules('loop')
    modprobe('loop', 'max_loop=13')
    modprobe('dummy')
    const maxLoop = (): string => readFileSync('/sys/module/loop/parameters/max_loop', 'utf8')
    expect(maxLoop()).toBe('13\n')
    const error = await rejection(
      kmod.unload(['loop', 'dummy'], {
        onFailure: 'restore',
        onStep: ({ step, state }) => {
          if (step.module === 'dummy' && state === 'start') throw new Error('stop here')
        },
      }),
    )
    expect(error).toMatchObject({
      code: 'ERR_KMOD_CALLBACK',
      cause: { message: 'stop here' },
      report: { removed: ['loop'], restored: ['loop'], parametersLost: [] },
    })
    expect(maxLoop()).toBe('13\n')
  })

  test('is refused for a module that could not be loaded again', async () => {
    modprobe('dummy')
    const bare = new Kmod({ moduleDirectory: '/nowhere' })
    expect(await rejection(bare.unload('dummy', { onFailure: 'restore' }))).toMatchObject({
      code: 'ERR_KMOD_NOT_FOUND',
      module: 'dummy',
    })
    expect(isInKernel('dummy')).toBe(true)
  })
})
