/** remove(): one call of delete_module, compared with rmmod. */
import { existsSync, readFileSync } from 'node:fs'
import { kmod, KmodError } from 'node-kmod'
import { nodeUnder } from '../processes'
import {
  afterThisTest,
  attempt,
  describeWithTestModules,
  isInKernel,
  isState,
  letReturn,
  lsmod,
  modprobe,
  openTun,
  rejection,
  run,
  setParameter,
  until,
} from '../support'

describe("the distribution's modules", () => {
  test('an idle module is removed, and no other', async () => {
    modprobe('dummy')
    const before = lsmod().length
    await expect(kmod.remove('dummy')).resolves.toBeUndefined()
    expect(isInKernel('dummy')).toBe(false)
    expect(lsmod()).toHaveLength(before - 1)
    expect(await kmod.status('dummy')).toBe('unloaded')
  })

  test('dashes and underscores in a name are the same', async () => {
    modprobe('br-netfilter')
    await kmod.remove('br-netfilter')
    expect(isInKernel('br_netfilter')).toBe(false)
  })

  test('a held module: the error has the holders that rmmod names', async () => {
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

  test('a module in use: the error has the number of references', async () => {
    const device = await openTun()
    const error = await rejection(kmod.remove('tun'))
    expect(error).toMatchObject({ code: 'ERR_KMOD_IN_USE', module: 'tun', errnoCode: 'EAGAIN' })
    expect(error.references).toBe(Number(readFileSync('/sys/module/tun/refcnt', 'utf8')))
    expect(error.references).toBeGreaterThan(0)
    await device.close()
    await kmod.remove('tun')
    expect(isInKernel('tun')).toBe(false)
  })

  test('built-in, unloaded and unknown modules have a code each', async () => {
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

  test('an empty /lib/modules does not matter', () => {
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
    // In a mount namespace of its own.
    const hide = 'mount -t tmpfs none /lib/modules && exec "$@"'
    expect(nodeUnder(['unshare', '-m', 'sh', '-c', hide, '-'], script)).toEqual({
      status: 0,
      stdout: '1 ERR_KMOD_HELD ERR_KMOD_NOT_LOADED ERR_KMOD_BUILTIN\n',
      stderr: '',
    })
  })

  test('each of several calls at the same time gets its own answer', async () => {
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
    // One of the two calls removes dummy; the other finds it unloading, or unloaded.
    expect(codes.slice(0, 2)).toContain('done')
    expect(['ERR_KMOD_TRANSIENT', 'ERR_KMOD_NOT_LOADED']).toContain(
      codes.slice(0, 2).find((code) => code !== 'done'),
    )
    expect(codes.slice(2)).toEqual(['ERR_KMOD_HELD', 'done', 'ERR_KMOD_NOT_FOUND'])
  })
})

describeWithTestModules('misbehaving test modules', () => {
  test('force overrides references', async () => {
    modprobe('kmodtest_reference')
    setParameter('kmodtest_reference', 'references', '3')
    expect(await rejection(kmod.remove('kmodtest_reference'))).toMatchObject({
      code: 'ERR_KMOD_IN_USE',
      references: 3,
    })
    await kmod.remove('kmodtest_reference', { force: true })
    expect(isInKernel('kmodtest_reference')).toBe(false)
  })

  test('force does not override holders', async () => {
    modprobe('kmodtest_top')
    expect(await rejection(kmod.remove('kmodtest_base', { force: true }))).toMatchObject({
      code: 'ERR_KMOD_HELD',
      holders: ['kmodtest_middle'],
    })
    expect(isInKernel('kmodtest_base')).toBe(true)
  })

  test('force overrides permanent', async () => {
    modprobe('kmodtest_no_exit')
    expect((await kmod.find('kmodtest_no_exit'))?.permanent).toBe(true)
    expect(await rejection(kmod.remove('kmodtest_no_exit'))).toMatchObject({
      code: 'ERR_KMOD_PERMANENT',
      errnoCode: 'EBUSY',
    })
    await kmod.remove('kmodtest_no_exit', { force: true })
    expect(isInKernel('kmodtest_no_exit')).toBe(false)
  })

  test('while an exit function runs, the module is unloading, and other calls are refused', async () => {
    modprobe('kmodtest_slow_exit', 'exit_ms=2000')
    const removal = kmod.remove('kmodtest_slow_exit')
    await until('the exit function runs', () => isState('kmodtest_slow_exit', 'Unloading'))
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

  test('while an exit function runs, the event loop is free', async () => {
    modprobe('kmodtest_slow_exit', 'exit_ms=1500')
    let turns = 0
    const timer = setInterval(() => {
      if (isState('kmodtest_slow_exit', 'Unloading')) turns++
    }, 20)
    await kmod.remove('kmodtest_slow_exit')
    clearInterval(timer)
    // A blocked event loop runs no timer before the module is removed.
    expect(turns).toBeGreaterThan(1)
  })

  test('an exit function that hangs: ERR_KMOD_HUNG, then ERR_KMOD_TRANSIENT until it returns', async () => {
    modprobe('kmodtest_hang_exit')
    afterThisTest(() => letReturn('kmodtest_hang_exit'))
    const error = await rejection(kmod.remove('kmodtest_hang_exit', { hungAfter: 500 }))
    expect(error).toMatchObject({ code: 'ERR_KMOD_HUNG', module: 'kmodtest_hang_exit' })
    const { pid } = error
    expect(readFileSync(`/proc/${pid}/stat`, 'utf8')).toMatch(/^\d+ \(/)
    expect(error.kernelStack).toContain('hang_exit_exit')
    expect(await rejection(kmod.remove('kmodtest_hang_exit'))).toMatchObject({
      code: 'ERR_KMOD_TRANSIENT',
      pid,
    })
    // Other modules can still be removed.
    modprobe('dummy')
    await kmod.remove('dummy')
    letReturn('kmodtest_hang_exit')
    await until('the module is removed', () => !isInKernel('kmodtest_hang_exit'))
    await until('the helper has collected the process', () => !existsSync(`/proc/${pid}`))
    modprobe('kmodtest_hang_exit', 'release=1')
    await kmod.remove('kmodtest_hang_exit')
  })

  test('an abort rejects at once, and the kernel finishes the removal', async () => {
    modprobe('kmodtest_slow_exit', 'exit_ms=2000')
    const controller = new AbortController()
    const removal = rejection(kmod.remove('kmodtest_slow_exit', { signal: controller.signal }))
    await until('the exit function runs', () => isState('kmodtest_slow_exit', 'Unloading'))
    controller.abort()
    expect(await removal).toMatchObject({ name: 'AbortError', code: 'ERR_KMOD_ABORTED' })
    expect(await kmod.status('kmodtest_slow_exit')).toBe('unloading')
    await until('the module is removed', () => !isInKernel('kmodtest_slow_exit'))
  })
})
