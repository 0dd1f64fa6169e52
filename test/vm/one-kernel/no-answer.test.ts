/** Questions that the kernel does not answer: a module hangs while it holds a lock. */
import { kmod, Kmod } from 'node-kmod'
import { outcomeOf, startScript } from '../../support/child'
import { childrenOf, isRunning } from '../processes'
import {
  afterThisTest,
  describeWithTestModules,
  isInKernel,
  isState,
  letReturn,
  modprobe,
  rejection,
  until,
} from '../support'

const STUCK = 'kmodtest_hang_lock'

/** Milliseconds. What the kernel answers at all, it answers faster. */
const TIMEOUT = 3_000

async function hangWith(lock: 'rtnl' | 'crypto'): Promise<void> {
  modprobe('dummy')
  modprobe(STUCK, `lock=${lock}`)
  afterThisTest(async () => {
    letReturn(STUCK)
    await until('the module is removed', () => !isInKernel(STUCK))
  })
  expect(await rejection(kmod.remove(STUCK, { hungAfter: 300 }))).toMatchObject({
    code: 'ERR_KMOD_HUNG',
  })
}

/** A Kmod that is closed after the test. */
function withTimeout(timeout: number): Kmod {
  const own = new Kmod({ timeout })
  afterThisTest(() => own.close())
  return own
}

describeWithTestModules('while a module hangs with the lock of the network interfaces', () => {
  beforeEach(() => hangWith('rtnl'))

  test('the guard blocks each target; explain and impact say what they do not know', async () => {
    const question = 'read what depends on the modules'
    const noAnswer = { code: 'ERR_KMOD_NO_ANSWER', module: 'dummy', question }
    const [plan, unload, usage, impact] = await Promise.all([
      withTimeout(TIMEOUT).plan('dummy'),
      rejection(withTimeout(TIMEOUT).unload('dummy', { wait: 600_000 })),
      withTimeout(TIMEOUT).explain('dummy'),
      rejection(withTimeout(TIMEOUT).impact('dummy')),
    ])
    expect(plan).toMatchObject({ feasible: false, blockers: [noAnswer] })
    expect(plan.unreadable.join()).toContain(`did not answer within ${TIMEOUT} ms`)
    expect(unload).toMatchObject({ ...noAnswer, plan: { feasible: false } })
    expect(usage.status).toBe('live')
    expect(usage.unreadable.join()).toContain(question)
    expect(impact).toMatchObject({ code: 'ERR_KMOD_NO_ANSWER', question })
    expect(isInKernel('dummy')).toBe(true)
  })

  test('unload hears its signal', async () => {
    const own = withTimeout(600_000)
    const unloading = own.unload('dummy', { signal: AbortSignal.timeout(1_000) })
    expect(await rejection(unloading)).toMatchObject({ code: 'ERR_KMOD_ABORTED' })
    expect(isInKernel('dummy')).toBe(true)
  })

  test('a process ends by itself, and the reader of its output sees the end', async () => {
    const child = startScript(`
      const { Kmod } = require('node-kmod')
      new Kmod({ timeout: ${TIMEOUT} }).unload('dummy').catch(({ code }) => console.log(code))`)
    expect(await outcomeOf(child)).toEqual({
      code: 0,
      signal: null,
      stdout: 'ERR_KMOD_NO_ANSWER\n',
      stderr: '',
    })
  })

  test('process.exit does not wait for the question', async () => {
    const child = startScript(`
      require('node-kmod').plan('dummy')
      setTimeout(() => process.exit(5), 1500)`)
    expect(await outcomeOf(child)).toMatchObject({ code: 5, stdout: '', stderr: '' })
  })

  test('kill -9 ends the process, and nothing is left of it when the lock is free again', async () => {
    const child = startScript(`require('node-kmod').plan('dummy')`)
    await until('the helpers have started', () => childrenOf(child.pid!).length >= 3)
    const helpers = childrenOf(child.pid!)
    child.kill('SIGKILL')
    expect(await outcomeOf(child)).toMatchObject({ signal: 'SIGKILL', stdout: '', stderr: '' })
    expect(isRunning(child.pid!)).toBe(false)
    letReturn(STUCK)
    await until('the helpers have ended', () => !helpers.some(isRunning))
  })

  test('close() resolves, and a later call starts again', async () => {
    const own = withTimeout(TIMEOUT)
    const planning = rejection(own.plan('dummy'))
    await own.isLoaded('dummy')
    await own.close()
    expect(await planning).toMatchObject({ code: 'ERR_KMOD_ABORTED' })
    expect(await own.resolve('dummy')).toEqual(['dummy'])
  })

  test('close() abandons a removal that is stuck', async () => {
    const own = withTimeout(TIMEOUT)
    modprobe('kmodtest_hang_exit')
    afterThisTest(async () => {
      letReturn('kmodtest_hang_exit')
      await until('the module is removed', () => !isInKernel('kmodtest_hang_exit'))
    })
    const removing = rejection(own.remove('kmodtest_hang_exit', { hungAfter: Infinity }))
    await until('the exit function runs', () => isState('kmodtest_hang_exit', 'Unloading'))
    await own.close()
    expect(await removing).toMatchObject({ code: 'ERR_KMOD_ABORTED' })
  })

  test('repeated questions leave a bounded number of stuck processes', async () => {
    const script = `
      const { Kmod } = require('node-kmod')
      const { readdirSync, readFileSync } = require('fs')
      const stuck = () => readdirSync('/proc/self/task')
        .flatMap((task) => readFileSync('/proc/self/task/' + task + '/children', 'utf8').split(' '))
        .filter((pid) => pid !== '' && readFileSync('/proc/' + pid + '/comm', 'utf8') === 'kmod-survey\\n')
      ;(async () => {
        const own = new Kmod({ timeout: 1100 })
        for (let i = 0; i < 6; i++) await own.explain('dummy')
        console.log(stuck().length)
      })()`
    const { stdout, stderr } = await outcomeOf(startScript(script))
    expect(stderr).toBe('')
    expect(Number(stdout)).toBeGreaterThan(0)
    expect(Number(stdout)).toBeLessThan(5)
  })
})

describeWithTestModules('while a module hangs with the lock of /proc/crypto', () => {
  beforeEach(() => hangWith('crypto'))

  test('explain has everything else, and the process ends', async () => {
    const child = startScript(`
      const { Kmod } = require('node-kmod')
      new Kmod({ timeout: ${TIMEOUT} }).explain('dummy').then(({ status, unreadable }) =>
        console.log(status, unreadable.filter((text) => text.includes('read /proc/crypto')).length))`)
    expect(await outcomeOf(child)).toEqual({
      code: 0,
      signal: null,
      stdout: 'live 1\n',
      stderr: '',
    })
  })

  test('the guard does not need the answer', async () => {
    await kmod.unload('dummy')
    expect(isInKernel('dummy')).toBe(false)
  })
})
