/** Life and death of a process while the kernel keeps a call. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { kmod } from 'node-kmod'
import {
  attempt,
  cleanUp,
  describeWithTestModules,
  isInKernel,
  modprobe,
  isState,
  ROOT,
  run,
  setParameter,
  until,
} from '../support'

function start(script: string): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, ['-e', script], { cwd: ROOT })
}

/** How a process ended, and all that a reader of its pipes saw before they ended. */
async function outcome(
  child: ChildProcessWithoutNullStreams,
): Promise<{ code: number | null; signal: string | null; stdout: string; stderr: string }> {
  const end = once(child, 'exit') as Promise<[number | null, string | null]>
  // The readers see an end only once nobody holds the other side any more.
  const [stdout, stderr, [code, signal]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    end,
  ])
  return { code, signal, stdout, stderr }
}

function childrenOf(pid: number): number[] {
  return run('ps', ['-o', 'pid=', '--ppid', String(pid)])
    .trim()
    .split(/\s+/)
    .map(Number)
}

/** There, and not only waiting to be collected. */
function isAlive(pid: number): boolean {
  const { status, output } = attempt('ps', ['-o', 'stat=', '-p', String(pid)])
  return status === 0 && !output.startsWith('Z')
}

describeWithTestModules('while an exit function hangs', () => {
  beforeEach(() => modprobe('kmodtest_hang_exit'))
  afterEach(async () => {
    setParameter('kmodtest_hang_exit', 'release', '1')
    await until('it is gone', () => !isInKernel('kmodtest_hang_exit'))
  })

  test.each([
    ['by itself', ''],
    ['by process.exit', 'process.exit(7)'],
    ['by an exception', 'throw new Error("on purpose")'],
  ])(
    'the process still ends %s after ERR_KMOD_HUNG, and its reader sees the end',
    async (_, end) => {
      const child = start(`
      require('node-kmod').remove('kmodtest_hang_exit', { hungAfter: 300 })
        .catch(({ code }) => { console.log(code); setTimeout(() => { ${end} }, 10) })`)
      const { code, stdout } = await outcome(child)
      expect(stdout).toBe('ERR_KMOD_HUNG\n')
      expect(code).toBe(end === '' ? 0 : end.startsWith('throw') ? 1 : 7)
      expect(isState('kmodtest_hang_exit', 'Unloading')).toBe(true)
    },
  )

  test('process.exit in the middle of the call does not wait', async () => {
    const child = start(`
      require('node-kmod').remove('kmodtest_hang_exit', { hungAfter: Infinity })
      const { readFileSync } = require('fs')
      setInterval(() => readFileSync('/proc/modules', 'utf8').includes(' Unloading ') && process.exit(5), 10)`)
    expect(await outcome(child)).toEqual({ code: 5, signal: null, stdout: '', stderr: '' })
  })

  test('kill -9 in the middle leaves nothing but the call itself', async () => {
    const child = start(
      `require('node-kmod').remove('kmodtest_hang_exit', { hungAfter: Infinity })`,
    )
    await until('it is going', () => isState('kmodtest_hang_exit', 'Unloading'))
    const helpers = childrenOf(child.pid!)
    expect(helpers).not.toEqual([])
    child.kill('SIGKILL')
    expect(await outcome(child)).toMatchObject({ signal: 'SIGKILL', stdout: '', stderr: '' })
    // The helper goes with its socket; the one process that is in the kernel stays until it is let go.
    await until('the helper is gone', () => helpers.every((pid) => !isAlive(pid)))
    expect(attempt('rmmod', ['kmodtest_hang_exit']).status).not.toBe(0)
  })

  test('a worker that is terminated in the middle takes nothing along', async () => {
    const child = start(`
      const { Worker } = require('worker_threads')
      const { readFileSync } = require('fs')
      const worker = new Worker(\`require('node-kmod').remove('kmodtest_hang_exit', { hungAfter: Infinity })\`, { eval: true })
      const timer = setInterval(async () => {
        if (!readFileSync('/proc/modules', 'utf8').includes('Unloading')) return
        clearInterval(timer)
        console.log('terminated', await worker.terminate())
        console.log((await require('node-kmod').list()).length > 0)
      }, 10)`)
    expect(await outcome(child)).toMatchObject({
      code: 0,
      stdout: 'terminated 1\ntrue\n',
      stderr: '',
    })
  })
})

describeWithTestModules('while an init function hangs', () => {
  afterEach(async () => {
    setParameter('kmodtest_hang_init', 'release', '1')
    await until('it is live', () => isState('kmodtest_hang_init', 'Live'))
    cleanUp('kmodtest_hang_init')
  })

  test('the process still ends, and its reader sees the end', async () => {
    const child = start(`
      require('node-kmod').load('kmodtest_hang_init', { hungAfter: 300 })
        .catch(({ code }) => console.log(code))`)
    expect(await outcome(child)).toMatchObject({ code: 0, stdout: 'ERR_KMOD_HUNG\n' })
    expect(isState('kmodtest_hang_init', 'Loading')).toBe(true)
  })

  test('process.exit in the middle of the call does not wait', async () => {
    const child = start(`
      require('node-kmod').load('kmodtest_hang_init', { hungAfter: Infinity })
      const { readFileSync } = require('fs')
      setInterval(() => readFileSync('/proc/modules', 'utf8').includes('Loading') && process.exit(5), 10)`)
    expect(await outcome(child)).toMatchObject({ code: 5, stdout: '', stderr: '' })
  })
})

describeWithTestModules('a removal that the process does not live to see', () => {
  test('is finished by the kernel all the same', async () => {
    modprobe('kmodtest_slow_exit', 'exit_ms=1500')
    const child = start(`require('node-kmod').remove('kmodtest_slow_exit')`)
    await until('it is going', () => isState('kmodtest_slow_exit', 'Unloading'))
    child.kill('SIGKILL')
    await outcome(child)
    expect(isInKernel('kmodtest_slow_exit')).toBe(true)
    await until('it is gone', () => !isInKernel('kmodtest_slow_exit'))
  })
})

test('a hundred removals and loads leave no process and no descriptor behind', async () => {
  const { path } = await kmod.info('dummy')
  const child = start(`
    const { kmod } = require('node-kmod')
    const { readdirSync } = require('fs')
    const { execFileSync } = require('child_process')
    const count = () => [
      readdirSync('/proc/self/fd').length,
      execFileSync('ps', ['-e', '-o', 'comm=']).toString().split('\\n').filter((line) => /kmod-/.test(line)).length,
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
  const { stdout, stderr } = await outcome(child)
  expect(stderr).toBe('')
  const [before, after] = JSON.parse(stdout) as [number[], number[]]
  expect(after).toEqual(before)
})
