/** unload() of the misbehaving test modules. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { kmod } from 'node-kmod'
import {
  afterThisTest,
  describeWithTestModules,
  isInKernel,
  isState,
  letReturn,
  modprobe,
  rejection,
  setParameter,
  until,
} from '../support'

describeWithTestModules('misbehaving test modules', () => {
  test('a chain of modules that use symbols of each other', async () => {
    modprobe('kmodtest_top')
    const report = await kmod.unload('kmodtest_top')
    expect(report.removed).toEqual(['kmodtest_top', 'kmodtest_middle', 'kmodtest_base'])
  })

  test('a reference that a module holds to itself is unexplained, and waited for', async () => {
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

  test('force removes it, and the report has the taint', async () => {
    const FORCED_RMMOD = 8
    modprobe('kmodtest_reference')
    setParameter('kmodtest_reference', 'references', '1')
    const taints = Number(readFileSync('/proc/sys/kernel/tainted', 'utf8'))
    const report = await kmod.unload('kmodtest_reference', { force: true })
    expect(report).toMatchObject({ removed: ['kmodtest_reference'] })
    // Another test may have used force before.
    const isNew = (taints & FORCED_RMMOD) === 0
    expect(report.newTaints).toEqual(isNew ? ['FORCED_RMMOD'] : [])
    expect(report.clean).toBe(!isNew)
  })

  test('a permanent module is not waited for, but removed with force', async () => {
    modprobe('kmodtest_no_exit')
    expect(await rejection(kmod.unload('kmodtest_no_exit', { wait: 60_000 }))).toMatchObject({
      code: 'ERR_KMOD_PERMANENT',
      plan: { blockers: [{ code: 'ERR_KMOD_PERMANENT' }] },
    })
    await kmod.unload('kmodtest_no_exit', { force: true })
    expect(isInKernel('kmodtest_no_exit')).toBe(false)
  })

  test('a WARN in an exit function: the module is removed, and the report is not clean', async () => {
    modprobe('kmodtest_warn_exit')
    const report = await kmod.unload('kmodtest_warn_exit')
    expect(report).toMatchObject({ removed: ['kmodtest_warn_exit'], clean: false })
    expect(report.messages!.some((text) => text.includes('WARNING: '))).toBe(true)
  })

  test('a removal by another process is waited for, and the module is absent', async () => {
    modprobe('kmodtest_slow_exit', 'exit_ms=1500')
    const other = once(spawn('rmmod', ['kmodtest_slow_exit']), 'exit')
    await until('the exit function runs', () => isState('kmodtest_slow_exit', 'Unloading'))
    expect(await rejection(kmod.unload('kmodtest_slow_exit'))).toMatchObject({
      code: 'ERR_KMOD_TRANSIENT',
    })
    const report = await kmod.unload('kmodtest_slow_exit', { wait: 30_000 })
    expect(report).toMatchObject({ removed: [], absent: ['kmodtest_slow_exit'] })
    expect(await other).toEqual([0, null])
  })

  test('a step that hangs ends the run; what was removed before is restored', async () => {
    modprobe('kmodtest_hang_exit')
    afterThisTest(() => letReturn('kmodtest_hang_exit'))
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
    letReturn('kmodtest_hang_exit')
    await until('the module is removed', () => !isInKernel('kmodtest_hang_exit'))
  })
})
