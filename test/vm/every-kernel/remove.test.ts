import { readFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { kmod, KmodError } from 'node-kmod'
import {
  attempt,
  cleanUp,
  describeWithTestModules,
  isInKernel,
  modprobe,
  nodeUnder,
  isState,
  lsmod,
  rejection,
  run,
  setParameter,
  until,
} from '../support'

describe('on every kernel', () => {
  afterEach(() => cleanUp('br_netfilter', 'bridge', 'stp', 'llc', 'tun', 'dummy'))

  test('an idle module goes, and nothing but it', async () => {
    modprobe('dummy')
    const before = lsmod().length
    await expect(kmod.remove('dummy')).resolves.toBeUndefined()
    expect(isInKernel('dummy')).toBe(false)
    expect(lsmod()).toHaveLength(before - 1)
    expect(await kmod.status('dummy')).toBe('unloaded')
  })

  test('dashes and underscores are the same', async () => {
    modprobe('br-netfilter')
    await kmod.remove('br-netfilter')
    expect(isInKernel('br_netfilter')).toBe(false)
  })

  test('held: the error has the holders that rmmod names', async () => {
    modprobe('bridge')
    const error = await rejection(kmod.remove('llc'))
    expect(error).toBeInstanceOf(KmodError)
    expect(error).toMatchObject({
      code: 'ERR_KMOD_HELD',
      module: 'llc',
      errno: -11,
      errnoCode: 'EAGAIN',
      syscall: 'delete_module',
    })
    const oracle = /in use by: (.*)/
      .exec(attempt('rmmod', ['llc']).output)![1]!
      .trim()
      .split(' ')
    expect([...error.holders!].sort()).toEqual(oracle.sort())
    expect(isInKernel('llc')).toBe(true)
  })

  test('in use: an open device', async () => {
    modprobe('tun')
    const device = await open('/dev/net/tun')
    try {
      const error = await rejection(kmod.remove('tun'))
      expect(error).toMatchObject({ code: 'ERR_KMOD_IN_USE', module: 'tun', errnoCode: 'EAGAIN' })
      expect(error.references).toBe(Number(readFileSync('/sys/module/tun/refcnt', 'utf8')))
      expect(error.references).toBeGreaterThan(0)
    } finally {
      await device.close()
    }
    await kmod.remove('tun')
    expect(isInKernel('tun')).toBe(false)
  })

  test('built in, not loaded, unknown', async () => {
    const builtin = run('sh', [
      '-c',
      'for m in /sys/module/*; do [ -e $m/initstate ] || basename $m; done',
    ])
    for (const name of builtin.trim().split('\n').slice(0, 5)) {
      expect(await rejection(kmod.remove(name))).toMatchObject({
        code: 'ERR_KMOD_BUILTIN',
        module: name,
      })
    }
    expect(await rejection(kmod.remove('vfat'))).toMatchObject({ code: 'ERR_KMOD_NOT_LOADED' })
    expect(await rejection(kmod.remove('nosuchmodule'))).toMatchObject({
      code: 'ERR_KMOD_NOT_FOUND',
    })
  })

  test('works where /lib/modules is empty, by exact name', () => {
    modprobe('bridge')
    const script = `
      const { kmod } = require('node-kmod')
      ;(async () => {
        const before = (await kmod.list()).length
        await kmod.remove('bridge')
        const held = await kmod.remove('llc').catch(({ code }) => code)
        const gone = await kmod.remove('bridge').catch(({ code }) => code)
        const builtin = await kmod.remove('printk').catch(({ code }) => code)
        console.log(before - (await kmod.list()).length, held, gone, builtin)
      })()`
    // A mount namespace of its own, in which /lib/modules is an empty file system.
    const wrapper = [
      'unshare',
      '-m',
      'sh',
      '-c',
      'mount -t tmpfs none /lib/modules && exec "$@"',
      '-',
    ]
    expect(nodeUnder(wrapper, script)).toEqual({
      status: 0,
      stdout: '1 ERR_KMOD_HELD ERR_KMOD_NOT_LOADED ERR_KMOD_BUILTIN\n',
      stderr: '',
    })
  })

  test('many at once: each gets an answer of its own', async () => {
    modprobe('-a', 'dummy', 'bridge', 'tun')
    const results = await Promise.allSettled([
      kmod.remove('dummy'),
      kmod.remove('dummy'),
      kmod.remove('llc'),
      kmod.remove('tun'),
      kmod.remove('nosuchmodule'),
    ])
    const codes = results.map((result) =>
      result.status === 'fulfilled' ? 'done' : (result.reason as KmodError).code,
    )
    // Of the two that want dummy one comes first; the other finds it going or gone.
    expect(codes.slice(0, 2)).toContain('done')
    expect(['ERR_KMOD_TRANSIENT', 'ERR_KMOD_NOT_LOADED']).toContain(
      codes.slice(0, 2).find((code) => code !== 'done'),
    )
    expect(codes.slice(2)).toEqual(['ERR_KMOD_HELD', 'done', 'ERR_KMOD_NOT_FOUND'])
  })
})

describeWithTestModules('modules with bad manners', () => {
  afterEach(() =>
    cleanUp(
      'kmodtest_top',
      'kmodtest_middle',
      'kmodtest_base',
      'kmodtest_reference',
      'kmodtest_params',
    ),
  )

  test('a reference of its own, and force, which overrides it', async () => {
    modprobe('kmodtest_reference')
    setParameter('kmodtest_reference', 'references', '3')
    expect(await rejection(kmod.remove('kmodtest_reference'))).toMatchObject({
      code: 'ERR_KMOD_IN_USE',
      references: 3,
    })
    await kmod.remove('kmodtest_reference', { force: true })
    expect(isInKernel('kmodtest_reference')).toBe(false)
  })

  test('held stays held under force', async () => {
    modprobe('kmodtest_top')
    expect(await rejection(kmod.remove('kmodtest_base', { force: true }))).toMatchObject({
      code: 'ERR_KMOD_HELD',
      holders: ['kmodtest_middle'],
    })
    expect(isInKernel('kmodtest_base')).toBe(true)
  })

  test('permanent, and force, which overrides it', async () => {
    modprobe('kmodtest_no_exit')
    expect((await kmod.find('kmodtest_no_exit'))?.permanent).toBe(true)
    expect(await rejection(kmod.remove('kmodtest_no_exit'))).toMatchObject({
      code: 'ERR_KMOD_PERMANENT',
      errnoCode: 'EBUSY',
    })
    await kmod.remove('kmodtest_no_exit', { force: true })
    expect(isInKernel('kmodtest_no_exit')).toBe(false)
  })

  test('a slow exit: transient for everybody else, its state unloading, and then gone', async () => {
    modprobe('kmodtest_slow_exit', 'exit_ms=2000')
    const removal = kmod.remove('kmodtest_slow_exit')
    await until('it is going', () => isState('kmodtest_slow_exit', 'Unloading'))
    expect(await kmod.status('kmodtest_slow_exit')).toBe('unloading')
    expect(await kmod.isLoaded('kmodtest_slow_exit')).toBe(false)
    expect(await kmod.find('kmodtest_slow_exit')).toMatchObject({
      state: 'unloading',
      refCount: null,
    })
    expect(await rejection(kmod.remove('kmodtest_slow_exit'))).toMatchObject({
      code: 'ERR_KMOD_TRANSIENT',
      errnoCode: 'EBUSY',
    })
    await removal
    expect(isInKernel('kmodtest_slow_exit')).toBe(false)
  })

  test('the event loop stays free meanwhile', async () => {
    modprobe('kmodtest_slow_exit', 'exit_ms=1500')
    let turns = 0
    const timer = setInterval(() => turns++, 20)
    await kmod.remove('kmodtest_slow_exit')
    clearInterval(timer)
    // Some 75 would be possible; a blocked loop has none.
    expect(turns).toBeGreaterThan(20)
  })

  test('a hanging exit: ERR_KMOD_HUNG with the process and its stack, then remembered, then over', async () => {
    modprobe('kmodtest_hang_exit')
    const error = await rejection(kmod.remove('kmodtest_hang_exit', { hungAfter: 500 }))
    expect(error).toMatchObject({ code: 'ERR_KMOD_HUNG', module: 'kmodtest_hang_exit' })
    const { pid } = error
    expect(readFileSync(`/proc/${pid}/stat`, 'utf8')).toMatch(/^\d+ \(/)
    expect(error.kernelStack).toContain('hang_exit_exit')
    expect(await rejection(kmod.remove('kmodtest_hang_exit'))).toMatchObject({
      code: 'ERR_KMOD_TRANSIENT',
      pid,
    })
    // Others are not held up by it.
    modprobe('dummy')
    await kmod.remove('dummy')
    setParameter('kmodtest_hang_exit', 'release', '1')
    await until('it is gone', () => !isInKernel('kmodtest_hang_exit'))
    // The helper collects what ends late.
    await until('its process is collected', () => attempt('kill', ['-0', String(pid)]).status !== 0)
    modprobe('kmodtest_hang_exit', 'release=1')
    await kmod.remove('kmodtest_hang_exit')
  })

  test('aborted in the middle: rejects at once, and the kernel goes on', async () => {
    modprobe('kmodtest_slow_exit', 'exit_ms=2000')
    const controller = new AbortController()
    const removal = rejection(kmod.remove('kmodtest_slow_exit', { signal: controller.signal }))
    await until('it is going', () => isState('kmodtest_slow_exit', 'Unloading'))
    controller.abort()
    expect(await removal).toMatchObject({ name: 'AbortError', code: 'ERR_KMOD_ABORTED' })
    expect(await kmod.status('kmodtest_slow_exit')).toBe('unloading')
    await until('it is gone', () => !isInKernel('kmodtest_slow_exit'))
    await delay(100)
  })
})
