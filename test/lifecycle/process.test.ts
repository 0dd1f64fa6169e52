/**
 * How processes, workers and helpers end, on a captured system. With a real kernel:
 * test/vm/one-kernel/lifecycle.
 */
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CapturedSystem } from '../support/captured-system'
import { ROOT, runScript, type Outcome } from '../support/child'

let system: CapturedSystem
beforeAll(() => {
  system = new CapturedSystem().addModules()
  system.write('proc/modules', 'stp 16384 0 - Live 0x0\nllc 16384 1 stp, Live 0x0\n')
})
afterAll(() => system.remove())

/** For scripts: the pids of this process's helpers, found without starting another process. */
const HELPERS = `
  const { readdirSync, readFileSync } = require('fs')
  const nameOf = (pid) => readFileSync('/proc/' + pid + '/comm', 'utf8').trim()
  const helpers = () => readdirSync('/proc/self/task')
    .flatMap((task) => readFileSync('/proc/self/task/' + task + '/children', 'utf8').split(' '))
    .filter((pid) => pid !== '' && nameOf(pid).startsWith('kmod-'))`

const run = (script: string, env?: NodeJS.ProcessEnv): Promise<Outcome> =>
  runScript(
    `const { Kmod, kmod } = require('node-kmod')
     const root = process.argv[1]
     ${script}`,
    { args: [system.root], env },
  )

const success = (stdout: string): Outcome => ({ code: 0, signal: null, stdout, stderr: '' })

test('a thousand calls at the same time all resolve', async () => {
  const script = `
    const captured = new Kmod({ root })
    const calls = Array.from({ length: 1000 }, (_, i) =>
      i % 4 === 0 ? captured.list() : i % 4 === 1 ? captured.status('dummy')
      : i % 4 === 2 ? captured.resolve('rtnl-link-dummy') : captured.info('dummy'))
    Promise.all(calls).then((results) => console.log(results.length, results[999].license))`
  expect(await run(script)).toEqual(success('1000 GPL\n'))
})

test('the helper does not keep a process alive', async () => {
  expect(await run(`new Kmod({ root }).resolve('dummy').then(console.log)`)).toEqual(
    success(`[ 'dummy' ]\n`),
  )
})

test('process.exit does not wait for calls that have not ended', async () => {
  const script = `
    for (let i = 0; i < 100; i++) new Kmod({ root }).info('dummy').catch(() => undefined)
    setImmediate(() => process.exit(3))`
  expect(await run(script)).toEqual({ ...success(''), code: 3 })
})

test('several workers can make calls at the same time', async () => {
  const script = `
    const { Worker, isMainThread } = require('worker_threads')
    const workers = Array.from({ length: 4 }, () => new Worker(
      \`const { Kmod } = require('node-kmod')
       const captured = new Kmod({ root: require('worker_threads').workerData })
       Promise.all([captured.list(), captured.resolve('dummy')]).then(([table, [name]]) =>
         require('worker_threads').parentPort.postMessage(table.length + name))\`,
      { eval: true, workerData: root }))
    Promise.all(workers.map((worker) => new Promise((resolve, reject) =>
      worker.once('message', resolve).once('error', reject)))).then(console.log)`
  expect(await run(script)).toEqual(success(`[ '2dummy', '2dummy', '2dummy', '2dummy' ]\n`))
})

test('the process survives when workers are terminated during calls', async () => {
  const script = `
    const { Worker } = require('worker_threads')
    const round = async (delay) => {
      const worker = new Worker(
        \`const { Kmod } = require('node-kmod')
         const captured = new Kmod({ root: require('worker_threads').workerData })
         setInterval(() => { captured.list(); captured.info('dummy') }, 0)\`,
        { eval: true, workerData: root })
      await new Promise((resolve) => worker.once('online', resolve))
      await new Promise((resolve) => setTimeout(resolve, delay))
      await worker.terminate()
    }
    ;(async () => {
      for (let i = 0; i < 12; i++) await Promise.all([round(i * 10), round(i * 15)])
      console.log((await new Kmod({ root }).list()).length)
    })()`
  expect(await run(script)).toEqual(success('2\n'))
})

test('the helpers of workers that have ended leave no zombies', async () => {
  const script = `
    const { Worker } = require('worker_threads')
    ${HELPERS}
    ;(async () => {
      for (let i = 0; i < 5; i++) {
        const worker = new Worker(
          \`new (require('node-kmod').Kmod)({ root: require('worker_threads').workerData }).resolve('dummy')\`,
          { eval: true, workerData: root })
        await new Promise((resolve) => worker.once('exit', resolve))
      }
      // A helper ends when its socket is closed; the next start of a helper collects it.
      await new Promise((resolve) => setTimeout(resolve, 300))
      await new Kmod({ root }).resolve('dummy')
      console.log(helpers().map(nameOf).sort())
    })()`
  expect(await run(script)).toEqual(success(`[ 'kmod-files', 'kmod-queries' ]\n`))
})

test('workers that are terminated while they start helpers leave neither sockets nor helpers', async () => {
  const script = `
    const { Worker } = require('worker_threads')
    ${HELPERS}
    const sockets = () => readdirSync('/proc/self/fd').filter((fd) => {
      try { return require('fs').readlinkSync('/proc/self/fd/' + fd).startsWith('socket:') } catch { return false }
    }).length
    const code = \`const { Kmod } = require('node-kmod')
      const { parentPort, workerData } = require('worker_threads')
      setInterval(() => new Kmod({ root: workerData }).resolve('dummy').catch(() => undefined), 0)
      parentPort.postMessage('ready')\`
    const round = async (delay) => {
      const worker = new Worker(code, { eval: true, workerData: root })
      await new Promise((resolve) => worker.once('message', resolve))
      await new Promise((resolve) => setTimeout(resolve, delay))
      await worker.terminate()
    }
    ;(async () => {
      await round(50)
      const before = sockets()
      for (let i = 0; i < 20; i++) await Promise.all([round(i), round(i + 1)])
      // A helper ends when its socket is closed; the next start of a helper collects it.
      for (let i = 0; i < 500 && helpers().length > 2; i++) {
        await new Promise((resolve) => setTimeout(resolve, 20))
        const captured = new Kmod({ root })
        await captured.list()
        await captured.close()
      }
      console.log(sockets() - before, helpers().length)
    })()`
  const { stdout, stderr } = await run(script)
  expect(stderr).toBe('')
  const [leftSockets, leftHelpers] = stdout.split(' ').map(Number)
  expect(leftSockets).toBe(0)
  expect(leftHelpers).toBeLessThan(3)
}, 60_000)

test('a helper that was killed is started again by the next call', async () => {
  const script = `
    ${HELPERS}
    ;(async () => {
      const captured = new Kmod({ root })
      await captured.resolve('dummy')
      for (const pid of helpers()) process.kill(Number(pid), 'SIGKILL')
      await new Promise((resolve) => setTimeout(resolve, 100))
      console.log(await captured.resolve('dummy'))
    })()`
  expect(await run(script)).toEqual(success(`[ 'dummy' ]\n`))
})

test('importing loads neither the addon nor libkmod; the first call loads the addon', async () => {
  const script = `
    const maps = () => require('fs').readFileSync('/proc/self/maps', 'utf8')
    const before = maps()
    console.log(before.includes('kmod.node'), before.includes('libkmod'))
    new Kmod({ root }).list().then(() => console.log(maps().includes('kmod.node')))`
  expect(await run(script)).toEqual(success('false false\ntrue\n'))
})

test('importing works on other platforms, where calls reject with ERR_KMOD_UNSUPPORTED', async () => {
  const script = `
    const code = (promise) => promise.then(JSON.stringify, ({ code }) => code)
    ;(async () => {
      const { canUnload, problems } = await kmod.preflight()
      console.log(canUnload, problems[0].code)
      for (const call of [kmod.list(), kmod.status('dummy'), kmod.isBuiltin('dummy'), kmod.remove('dummy'),
        kmod.load('dummy'), kmod.resolve('dummy'), kmod.info('dummy')]) console.log(await code(call))
    })()`
  // The platform has to be changed before the package is loaded.
  const outcome = await runScript(
    `Object.defineProperty(process, 'platform', { value: 'darwin' })
     const { kmod } = require('node-kmod')
     ${script}`,
  )
  const unsupported = 'ERR_KMOD_UNSUPPORTED\n'
  expect(outcome).toEqual(
    success(`false ${unsupported}${unsupported}"unknown"\nfalse\n${unsupported.repeat(4)}`),
  )
})

test('if the addon was not built, the error names the command that builds it', async () => {
  const outcome = await run(
    `kmod.list().catch(({ code, message }) => console.log(code, message.includes('scripts/build.js')))
     kmod.preflight().then(({ problems }) => console.log(problems.some(({ code }) => code === 'ERR_KMOD_LIBRARY')))`,
    { NODE_KMOD_BINDING: '/nowhere/kmod.node' },
  )
  expect(outcome.stderr).toBe('')
  expect(outcome.stdout.split('\n').sort()).toEqual(['', 'ERR_KMOD_LIBRARY true', 'true'])
})

describe('a helper that sends something unexpected', () => {
  let folder: string
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'kmod-helper-'))))
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  /** Makes a call with the real addon, and a shell script instead of the helper. */
  function runWithHelper(helper: string): Promise<Outcome> {
    const binding = process.env.NODE_KMOD_BINDING ?? join(ROOT, 'build', 'Release', 'kmod.node')
    symlinkSync(binding, join(folder, 'kmod.node'))
    writeFileSync(join(folder, 'kmod-helper'), `#!/bin/sh\n${helper}\n`, { mode: 0o755 })
    const script = `
      process.on('uncaughtException', (error) => console.log('uncaught', error))
      new Kmod({ root }).resolve('dummy').then(console.log, ({ code, message }) =>
        console.log(code, /cannot be understood/.test(message), /node \\S+scripts.build\\.js/.test(message)))`
    return run(script, { NODE_KMOD_BINDING: join(folder, 'kmod.node') })
  }
  const malformed = success('ERR_KMOD_SYSTEM true true\n')

  test('bytes that are not a message make the call reject', async () => {
    expect(await runWithHelper(`printf '\\377\\377\\377\\377' >&3; cat <&3`)).toEqual(malformed)
  })

  test('an answer with wrong fields makes the call reject', async () => {
    // id 1, "done", "x": the list of matches must start with a number.
    const answer =
      '\\021\\000\\000\\000\\001\\000\\000\\000\\004\\000\\000\\000done\\001\\000\\000\\000x'
    expect(await runWithHelper(`printf '${answer}' >&3; cat <&3`)).toEqual(malformed)
  })
})
