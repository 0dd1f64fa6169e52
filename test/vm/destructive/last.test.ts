/** What cannot be undone in a running kernel. The order of the tests matters. */
import { writeFileSync } from 'node:fs'
import { kmod } from 'node-kmod'
import { describeWithTestModules, isInKernel, modprobe, rejection } from '../support'

describeWithTestModules('an exit function with a kernel oops', () => {
  test('rejects, and does not affect other modules', async () => {
    modprobe('kmodtest_oops_exit')
    expect(await rejection(kmod.remove('kmodtest_oops_exit'))).toMatchObject({
      code: 'ERR_KMOD_SYSTEM',
      module: 'kmodtest_oops_exit',
    })
    expect(await kmod.status('kmodtest_oops_exit')).toBe('unloading')
    expect(await rejection(kmod.remove('kmodtest_oops_exit'))).toMatchObject({
      code: 'ERR_KMOD_TRANSIENT',
    })
    modprobe('dummy')
    await kmod.remove('dummy')
  })
})

test('with kernel.modules_disabled, remove and load reject with ERR_KMOD_DISABLED', async () => {
  modprobe('dummy')
  writeFileSync('/proc/sys/kernel/modules_disabled', '1')
  expect(await rejection(kmod.remove('dummy'))).toMatchObject({
    code: 'ERR_KMOD_DISABLED',
    module: 'dummy',
    errnoCode: 'EPERM',
  })
  expect(isInKernel('dummy')).toBe(true)
  expect(await rejection(kmod.load('tun'))).toMatchObject({ code: 'ERR_KMOD_DISABLED' })
  expect(await kmod.preflight()).toMatchObject({
    canUnload: false,
    canForce: false,
    kernel: { modulesDisabled: true },
    capability: true,
    problems: [{ code: 'ERR_KMOD_DISABLED' }],
  })
  expect(await kmod.status('dummy')).toBe('live')
})
