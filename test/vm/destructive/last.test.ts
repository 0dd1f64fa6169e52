/** What cannot be taken back: the guest is of no use to other tests afterwards. In this order. */
import { writeFileSync } from 'node:fs'
import { kmod } from 'node-kmod'
import { describeWithTestModules, isInKernel, modprobe, rejection } from '../support'

describeWithTestModules('an oops in the exit function', () => {
  test('is told, and nothing else suffers', async () => {
    modprobe('kmodtest_oops_exit')
    const error = await rejection(kmod.remove('kmodtest_oops_exit'))
    expect(error).toMatchObject({ code: 'ERR_KMOD_SYSTEM', module: 'kmodtest_oops_exit' })
    expect(error.message).toContain('oops')
    expect(await kmod.status('kmodtest_oops_exit')).toBe('unloading')
    expect(await rejection(kmod.remove('kmodtest_oops_exit'))).toMatchObject({
      code: 'ERR_KMOD_TRANSIENT',
    })
    modprobe('dummy')
    await kmod.remove('dummy')
  })
})

test('kernel.modules_disabled', async () => {
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
