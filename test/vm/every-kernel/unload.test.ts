import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kmod, kmod, type UnloadEvent, type UnloadReport } from 'node-kmod'
import {
  attempt,
  cleanUp,
  describeWithTestModules,
  isInKernel,
  isState,
  lsmod,
  modprobe,
  rejection,
  ROOT,
  run,
  setParameter,
  until,
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
afterEach(() => cleanUp('br_netfilter', 'bridge', 'garp', 'stp', 'llc', 'tun', 'dummy', 'loop'))

describe('what was planned is done', () => {
  test('the whole chain goes, and nothing else', async () => {
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

  test('the kernel log since the start, and nothing written to it', async () => {
    modprobe('dummy')
    writeFileSync('/dev/kmsg', '<6>kmodtest: before\n')
    const report = await kmod.unload('dummy', {
      onStep: ({ state }) => {
        if (state === 'start') writeFileSync('/dev/kmsg', '<6>kmodtest: in the middle\n')
      },
    })
    expect(report.messages!.filter((text) => text.includes('kmodtest'))).toEqual([
      'kmodtest: in the middle',
    ])
    expect(run('dmesg', []).match(/kmodtest/g)).toHaveLength(2)
  })

  test('holders go too, if they may', async () => {
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

  test('a plan in place of names; one that is no longer true is refused', async () => {
    modprobe('br_netfilter')
    const plan = JSON.parse(JSON.stringify(await kmod.plan('br_netfilter'))) as never
    run('ip', ['link', 'add', 'kbr0', 'type', 'bridge'])
    expect(await rejection(kmod.unload(plan))).toMatchObject({
      code: 'ERR_KMOD_PLAN_CHANGED',
      plan: { kept: [{ module: 'bridge', reason: 'effect' }] },
    })
    expect(isInKernel('br_netfilter')).toBe(true)
    run('ip', ['link', 'del', 'kbr0'])
    expect((await kmod.unload(plan)).removed).toEqual(CHAIN)
  })

  test('the guard refuses, and nothing is touched', async () => {
    modprobe('dummy')
    attempt('ip', ['link', 'add', 'kd0', 'type', 'dummy'])
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

describe('in use', () => {
  test('says by whom', async () => {
    modprobe('tun')
    const device = await open('/dev/net/tun')
    const error = await rejection(kmod.unload('tun'))
    await device.close()
    expect(error).toMatchObject({
      code: 'ERR_KMOD_IN_USE',
      module: 'tun',
      users: [{ kind: 'process', pid: process.pid, path: '/dev/net/tun', self: true }],
    })
    expect(error.message).toContain('/dev/net/tun')
  })

  test('is waited for, and told', async () => {
    modprobe('tun')
    const device = await open('/dev/net/tun')
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

  test('onBlocked can end it', async () => {
    modprobe('tun')
    const device = await open('/dev/net/tun')
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

  test('up to the deadline', async () => {
    modprobe('tun')
    const device = await open('/dev/net/tun')
    const error = await rejection(kmod.unload('tun', { wait: 400 }))
    await device.close()
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

  test('or until the signal', async () => {
    modprobe('tun')
    const device = await open('/dev/net/tun')
    const controller = new AbortController()
    const error = rejection(
      kmod.unload('tun', {
        wait: Infinity,
        signal: controller.signal,
        onStep: () => setTimeout(() => controller.abort(), 100),
      }),
    )
    expect(await error).toMatchObject({ code: 'ERR_KMOD_ABORTED', name: 'AbortError' })
    await device.close()
    expect(isInKernel('tun')).toBe(true)
  })
})

describe('others at work', () => {
  test('what somebody else removes in the middle counts as gone', async () => {
    modprobe('br_netfilter')
    const report = await kmod.unload('br_netfilter', {
      onStep: ({ step, state }) => {
        if (step.module === 'stp' && state === 'start') run('rmmod', ['stp'])
      },
    })
    expect(report).toMatchObject({ removed: ['br_netfilter', 'bridge', 'llc'], absent: ['stp'] })
    expect(loaded()).toEqual(before)
  })

  test('a dependency that somebody else takes up is kept', async () => {
    modprobe('br_netfilter')
    const report = await kmod.unload('br_netfilter', {
      onStep: ({ step, state }) => {
        if (step.module === 'bridge' && state === 'done') modprobe('garp') // which uses stp and llc
      },
    })
    expect(report).toMatchObject({
      removed: ['br_netfilter', 'bridge'],
      kept: [
        { module: 'stp', reason: 'held' },
        { module: 'llc', reason: 'held' },
      ],
      failed: null,
    })
  })

  test('a target that is back in the middle', async () => {
    modprobe('br_netfilter')
    const error = await rejection(
      kmod.unload('br_netfilter', {
        onStep: ({ step, state }) => {
          if (step.module === 'br_netfilter' && state === 'done') modprobe('br_netfilter')
        },
      }),
    )
    expect(error).toMatchObject({
      code: 'ERR_KMOD_REAPPEARED',
      module: 'br_netfilter',
      report: { removed: ['br_netfilter'], reappeared: ['br_netfilter'] },
    })
    expect(CHAIN.every(isInKernel)).toBe(true)
  })

  test('a target that is back within settle', async () => {
    modprobe('dummy')
    const error = await rejection(
      kmod.unload('dummy', {
        settle: 4_000,
        onStep: ({ state }) => {
          if (state === 'done') spawn('modprobe', ['dummy'])
        },
      }),
    )
    expect(error).toMatchObject({
      code: 'ERR_KMOD_REAPPEARED',
      module: 'dummy',
      report: { removed: ['dummy'], reappeared: ['dummy'], clean: false },
    })
  })

  test('two calls on the same chain', async () => {
    modprobe('br_netfilter')
    const [first, second] = await Promise.all([
      kmod.unload('br_netfilter', { wait: 30_000 }),
      kmod.unload('llc', { wait: 30_000, holders: 'remove' }),
    ])
    expect([...first.removed, ...second.removed].sort()).toEqual([...CHAIN].sort())
    expect(loaded()).toEqual(before)
  })

  test('two processes on the same chain both end well', async () => {
    modprobe('br_netfilter')
    const script = `
      const { unload } = require('node-kmod')
      process.stdin.once('data', () =>
        unload(${JSON.stringify(CHAIN)}, { wait: 30_000 }).then(
          (report) => console.log(JSON.stringify(report)),
          (error) => { console.error(error); process.exitCode = 1 },
        ).finally(() => process.stdin.destroy()),
      )
      require('node-kmod').list().then(() => console.log('ready'))`
    const children = [0, 1].map(() =>
      spawn(process.execPath, ['-e', script], { cwd: ROOT, stdio: ['pipe', 'pipe', 'inherit'] }),
    )
    const output = ['', '']
    children.forEach((child, i) => {
      child.stdout.setEncoding('utf8').on('data', (text: string) => (output[i] += text))
    })
    await until('both are ready', () => output.every((text) => text.includes('ready')), 60)
    const ends = children.map((child) => once(child, 'exit'))
    for (const child of children) child.stdin.write('go')
    expect(await Promise.all(ends)).toEqual([
      [0, null],
      [0, null],
    ])
    expect(loaded()).toEqual(before)
    const removed = output.flatMap(
      (text) => (JSON.parse(text.trim().split('\n').at(-1)!) as UnloadReport).removed,
    )
    // Each module was removed once, by one of them.
    expect(removed.sort()).toEqual([...CHAIN].sort())
  })
})

describe('restore', () => {
  test('brings back what this call removed, in the state in which it was', async () => {
    modprobe('br_netfilter')
    modprobe('tun')
    const all = loaded()
    const device = await open('/dev/net/tun')
    try {
      const error = await rejection(
        kmod.unload(['br_netfilter', 'tun'], { onFailure: 'restore', wait: 0 }),
      )
      // Not feasible at all: nothing was touched.
      expect(error).toMatchObject({ code: 'ERR_KMOD_IN_USE', report: { removed: [] } })
    } finally {
      await device.close()
    }
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

  test('with its parameters', async () => {
    if (!existsSync('/sys/module/loop/initstate')) run('modprobe', ['loop', 'max_loop=13'])
    expect(readFileSync('/sys/module/loop/parameters/max_loop', 'utf8')).toBe('13\n')
    modprobe('dummy')
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
    expect(readFileSync('/sys/module/loop/parameters/max_loop', 'utf8')).toBe('13\n')
  })

  test('what could not come back is not taken out', async () => {
    modprobe('dummy')
    const bare = new Kmod({ moduleDirectory: '/nowhere' })
    expect(await rejection(bare.unload('dummy', { onFailure: 'restore' }))).toMatchObject({
      code: 'ERR_KMOD_NOT_FOUND',
      module: 'dummy',
    })
    expect(isInKernel('dummy')).toBe(true)
  })
})

describe('remove commands of modprobe.d', () => {
  let config: string
  let configured: Kmod
  const command = (text: string): void =>
    writeFileSync(join(config, 'a.conf'), `remove dummy ${text}\n`)
  beforeEach(() => {
    config = mkdtempSync(join(tmpdir(), 'kmod-config-'))
    configured = new Kmod({ configPaths: [config] })
    modprobe('dummy')
  })
  afterEach(() => rmSync(config, { recursive: true }))

  test('block, unless they may run', async () => {
    command(`echo "$MODPROBE_MODULE" > ${config}/said; rmmod $MODPROBE_MODULE`)
    expect(await rejection(configured.unload('dummy'))).toMatchObject({
      code: 'ERR_KMOD_REMOVE_COMMAND',
      module: 'dummy',
    })
    expect(await configured.unload('dummy', { commands: 'run' })).toMatchObject({
      removed: ['dummy'],
      steps: [{ step: { action: 'run' } }],
    })
    expect(readFileSync(join(config, 'said'), 'utf8')).toBe('dummy\n')
    expect(isInKernel('dummy')).toBe(false)
  })

  test('that fail, or end well and leave the module there', async () => {
    command('echo it went wrong >&2; exit 3')
    const failed = await rejection(configured.unload('dummy', { commands: 'run' }))
    expect(failed).toMatchObject({ code: 'ERR_KMOD_REMOVE_COMMAND', exitCode: 3 })
    expect(failed.message).toContain('it went wrong')
    command('true')
    expect(await rejection(configured.unload('dummy', { commands: 'run' }))).toMatchObject({
      code: 'ERR_KMOD_REMOVE_COMMAND',
      exitCode: 0,
    })
    expect(isInKernel('dummy')).toBe(true)
    expect(await configured.unload('dummy', { commands: 'skip' })).toMatchObject({
      removed: ['dummy'],
    })
  })

  test('that hang are ended with all that they started', async () => {
    command(`sleep 4242 & echo $! > ${config}/pid; wait`)
    const pid = (): string => readFileSync(join(config, 'pid'), 'utf8').trim()
    const isGone = (): boolean => attempt('kill', ['-0', pid()]).status !== 0
    expect(
      await rejection(configured.unload('dummy', { commands: 'run', hungAfter: 1_000 })),
    ).toMatchObject({ code: 'ERR_KMOD_REMOVE_COMMAND', signal: 'SIGKILL' })
    await until('the sleep is gone', isGone)
    rmSync(join(config, 'pid'))
    const controller = new AbortController()
    const aborted = rejection(
      configured.unload('dummy', { commands: 'run', signal: controller.signal }),
    )
    await until('it runs', () => existsSync(join(config, 'pid')) && pid() !== '')
    controller.abort()
    expect(await aborted).toMatchObject({ code: 'ERR_KMOD_ABORTED' })
    await until('the sleep is gone', isGone)
    expect(isInKernel('dummy')).toBe(true)
  })
})

describeWithTestModules('modules with bad manners', () => {
  const TEST_CHAIN = ['kmodtest_top', 'kmodtest_middle', 'kmodtest_base']
  afterEach(() => cleanUp(...TEST_CHAIN, 'kmodtest_reference', 'kmodtest_no_exit'))

  test('a chain', async () => {
    modprobe('kmodtest_top')
    const report = await kmod.unload('kmodtest_top')
    expect(report.removed).toEqual(TEST_CHAIN)
  })

  test('a reference of its own: nobody explains it, and that is said', async () => {
    modprobe('kmodtest_reference')
    setParameter('kmodtest_reference', 'references', '2')
    expect(await kmod.explain('kmodtest_reference')).toMatchObject({
      references: 2,
      unexplained: 2,
      users: [],
    })
    expect(await rejection(kmod.unload('kmodtest_reference'))).toMatchObject({
      code: 'ERR_KMOD_IN_USE',
      references: 2,
      users: [],
    })
    const unloading = kmod.unload('kmodtest_reference', { wait: 30_000 })
    setParameter('kmodtest_reference', 'references', '0')
    expect((await unloading).removed).toEqual(['kmodtest_reference'])
  })

  test('force takes it out, and the taint is told', async () => {
    modprobe('kmodtest_reference')
    setParameter('kmodtest_reference', 'references', '1')
    const tainted = Number(readFileSync('/proc/sys/kernel/tainted', 'utf8')) & 8
    const report = await kmod.unload('kmodtest_reference', { force: true })
    expect(report.removed).toEqual(['kmodtest_reference'])
    if (tainted === 0) {
      expect(report).toMatchObject({ newTaints: ['FORCED_RMMOD'], clean: false })
    }
  })

  test('permanent', async () => {
    modprobe('kmodtest_no_exit')
    expect(await rejection(kmod.unload('kmodtest_no_exit', { wait: 60_000 }))).toMatchObject({
      code: 'ERR_KMOD_PERMANENT',
      plan: { blockers: [{ code: 'ERR_KMOD_PERMANENT' }] },
    })
    await kmod.unload('kmodtest_no_exit', { force: true })
    expect(isInKernel('kmodtest_no_exit')).toBe(false)
  })

  test('a WARN in exit: gone, and not clean', async () => {
    modprobe('kmodtest_warn_exit')
    const report = await kmod.unload('kmodtest_warn_exit')
    expect(report).toMatchObject({ removed: ['kmodtest_warn_exit'], clean: false })
    expect(report.messages!.some((text) => text.includes('WARNING: '))).toBe(true)
  })

  test('somebody else is removing it, slowly: waited for, and absent', async () => {
    modprobe('kmodtest_slow_exit', 'exit_ms=1500')
    const other = spawn('rmmod', ['kmodtest_slow_exit'])
    await until('it is going', () => isState('kmodtest_slow_exit', 'Unloading'))
    expect(await rejection(kmod.unload('kmodtest_slow_exit'))).toMatchObject({
      code: 'ERR_KMOD_TRANSIENT',
    })
    const report = await kmod.unload('kmodtest_slow_exit', { wait: 30_000 })
    expect(report).toMatchObject({ removed: [], absent: ['kmodtest_slow_exit'] })
    expect(other.exitCode === null || other.exitCode === 0).toBe(true)
  })

  test('a hanging exit in the middle of a plan: what hangs, what had gone, what came back', async () => {
    modprobe('kmodtest_hang_exit')
    modprobe('dummy')
    const error = await rejection(
      kmod.unload(['dummy', 'kmodtest_hang_exit'], { hungAfter: 1_000, onFailure: 'restore' }),
    )
    expect(error).toMatchObject({
      code: 'ERR_KMOD_HUNG',
      module: 'kmodtest_hang_exit',
      report: {
        removed: ['dummy'],
        restored: ['dummy'],
        failed: { step: { module: 'kmodtest_hang_exit' }, code: 'ERR_KMOD_HUNG' },
      },
    })
    expect(error.kernelStack).toContain('hang_exit')
    expect(await rejection(kmod.unload('kmodtest_hang_exit'))).toMatchObject({
      code: 'ERR_KMOD_TRANSIENT',
      pid: error.pid,
    })
    setParameter('kmodtest_hang_exit', 'release', '1')
    await until('it is gone', () => !isInKernel('kmodtest_hang_exit'))
  })
})
