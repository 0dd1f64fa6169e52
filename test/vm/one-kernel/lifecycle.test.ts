/** How a process ends while the kernel is still busy with one of its calls. */
import { kmod } from 'node-kmod'
import { outcomeOf, startScript } from '../../support/child'
import { childrenOf, isRunning } from '../processes'
import {
  afterThisTest,
  attempt,
  describeWithTestModules,
  isInKernel,
  isState,
  letReturn,
  modprobe,
  until,
} from '../support'

describeWithTestModules('while an exit function hangs', () => {
  beforeEach(() => {
    modprobe('kmodtest_hang_exit')
    afterThisTest(async () => {
      letReturn('kmodtest_hang_exit')
      await until('the module is removed', () => !isInKernel('kmodtest_hang_exit'))
    })
  })

  test.each([
    ['by itself', '', 0],
    ['by process.exit', 'process.exit(7)', 7],
    ['by an exception', 'throw new Error("on purpose")', 1],
  ])('a process can end %s after ERR_KMOD_HUNG, and its pipes close', async (_, end, status) => {
    const child = startScript(`
      require('node-kmod').remove('kmodtest_hang_exit', { hungAfter: 300 })
        .catch(({ code }) => { console.log(code); setTimeout(() => { ${end} }, 10) })`)
    const { code, stdout } = await outcomeOf(child)
    expect(stdout).toBe('ERR_KMOD_HUNG\n')
    expect(code).toBe(status)
    expect(isState('kmodtest_hang_exit', 'Unloading')).toBe(true)
  })

  test('process.exit does not wait for the call', async () => {
    const child = startScript(`
      require('node-kmod').remove('kmodtest_hang_exit', { hungAfter: Infinity })
      const { readFileSync } = require('fs')
      setInterval(() => readFileSync('/proc/modules', 'utf8').includes(' Unloading ') && process.exit(5), 10)`)
    expect(await outcomeOf(child)).toEqual({ code: 5, signal: null, stdout: '', stderr: '' })
  })

  test('kill -9 leaves only the process that is inside the kernel', async () => {
    const child = startScript(
      `require('node-kmod').remove('kmodtest_hang_exit', { hungAfter: Infinity })`,
    )
    await until('the exit function runs', () => isState('kmodtest_hang_exit', 'Unloading'))
    const helpers = childrenOf(child.pid!)
    expect(helpers).not.toEqual([])
    child.kill('SIGKILL')
    expect(await outcomeOf(child)).toMatchObject({ signal: 'SIGKILL', stdout: '', stderr: '' })
    // The helper ends because its socket is closed.
    await until('the helper has ended', () => !helpers.some(isRunning))
    expect(attempt('rmmod', ['kmodtest_hang_exit']).status).not.toBe(0)
  })

  test('a worker can be terminated, and the process continues', async () => {
    const child = startScript(`
      const { Worker } = require('worker_threads')
      const { readFileSync } = require('fs')
      const worker = new Worker(\`require('node-kmod').remove('kmodtest_hang_exit', { hungAfter: Infinity })\`, { eval: true })
      const timer = setInterval(async () => {
        if (!readFileSync('/proc/modules', 'utf8').includes('Unloading')) return
        clearInterval(timer)
        console.log('terminated', await worker.terminate())
        console.log((await require('node-kmod').list()).length > 0)
      }, 10)`)
    expect(await outcomeOf(child)).toMatchObject({
      code: 0,
      stdout: 'terminated 1\ntrue\n',
      stderr: '',
    })
  })
})

describeWithTestModules('while an init function hangs', () => {
  beforeEach(() => {
    afterThisTest(async () => {
      letReturn('kmodtest_hang_init')
      await until('the module is live', () => isState('kmodtest_hang_init', 'Live'))
    })
  })

  test('a process can end after ERR_KMOD_HUNG, and its pipes close', async () => {
    const child = startScript(`
      require('node-kmod').load('kmodtest_hang_init', { hungAfter: 300 })
        .catch(({ code }) => console.log(code))`)
    expect(await outcomeOf(child)).toMatchObject({ code: 0, stdout: 'ERR_KMOD_HUNG\n' })
    expect(isState('kmodtest_hang_init', 'Loading')).toBe(true)
  })

  test('process.exit does not wait for the call', async () => {
    const child = startScript(`
      require('node-kmod').load('kmodtest_hang_init', { hungAfter: Infinity })
      const { readFileSync } = require('fs')
      setInterval(() => readFileSync('/proc/modules', 'utf8').includes('Loading') && process.exit(5), 10)`)
    expect(await outcomeOf(child)).toMatchObject({ code: 5, stdout: '', stderr: '' })
  })
})

describeWithTestModules('while a slow exit function runs', () => {
  test('a process can be killed, and the kernel finishes the removal', async () => {
    modprobe('kmodtest_slow_exit', 'exit_ms=1500')
    const child = startScript(`require('node-kmod').remove('kmodtest_slow_exit')`)
    await until('the exit function runs', () => isState('kmodtest_slow_exit', 'Unloading'))
    child.kill('SIGKILL')
    await outcomeOf(child)
    expect(isInKernel('kmodtest_slow_exit')).toBe(true)
    await until('the module is removed', () => !isInKernel('kmodtest_slow_exit'))
  })
})

test('repeated loads and removals leave neither processes nor descriptors behind', async () => {
  const { path } = await kmod.info('dummy')
  const child = startScript(`
    const { kmod } = require('node-kmod')
    const { readdirSync, readFileSync } = require('fs')
    const commandOf = (pid) => {
      try { return readFileSync('/proc/' + pid + '/comm', 'utf8') } catch { return '' }
    }
    const count = () => [
      readdirSync('/proc/self/fd').length,
      readdirSync('/proc').filter((pid) => commandOf(pid).startsWith('kmod-')).length,
    ]
    ;(async () => {
      let before
      for (let round = 0; round < 50; round++) {
        await kmod.load({ file: ${JSON.stringify(path)} })
        await kmod.remove('dummy')
        if (round === 4) before = count()
      }
      console.log(JSON.stringify([before, count()]))
    })()`)
  const { stdout, stderr } = await outcomeOf(child)
  expect(stderr).toBe('')
  const [before, after] = JSON.parse(stdout) as [number[], number[]]
  expect(before[1]).toBeGreaterThan(0)
  expect(after).toEqual(before)
})
