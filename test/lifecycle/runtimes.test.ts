/**
 * How each JavaScript runtime talks to the helpers, on a captured system. With a real kernel:
 * test/vm/one-kernel/long/runtimes.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { NEWEST_RUNTIMES, prepareRuntime } from '../support/runtimes'
import { CapturedSystem, RELEASE } from '../support/captured-system'
import { ROOT, type Outcome } from '../support/child'
import { runScriptIn } from '../support/runtime-script'

const MODULES = 5_000

let system: CapturedSystem
let folder: string
beforeAll(async () => {
  system = new CapturedSystem().addModules()
  const rows = Array.from({ length: MODULES }, (_, i) => `made_up_module_${i} 4096 0 - Live 0x0\n`)
  system.write('proc/modules', rows.join(''))
  folder = mkdtempSync(join(tmpdir(), 'kmod-runtimes-'))
  execFileSync('mkfifo', [join(folder, 'a.conf')])
  for (const runtime of NEWEST_RUNTIMES) await prepareRuntime(runtime)
}, 300_000)
afterAll(() => {
  system.remove()
  rmSync(folder, { recursive: true })
})

const success = (stdout: string): Outcome => ({ code: 0, signal: null, stdout, stderr: '' })

/** That a script has an outcome at all shows that its process ended, and that nothing held its pipes. */
describe.each(NEWEST_RUNTIMES)('%s', (runtime) => {
  /** For scripts: a Kmod whose configuration never answers, and the helpers of the process. */
  const run = (script: string): Promise<Outcome> =>
    runScriptIn(
      runtime,
      `const { Kmod } = node_kmod
       const { readdirSync, readFileSync } = require('fs')
       const [root, moduleDirectory, folder] = args
       const stuck = (timeout) => new Kmod({ moduleDirectory, configPaths: [folder], timeout })
       const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds))
       const statOf = (pid) => {
         try { return readFileSync('/proc/' + pid + '/stat', 'utf8') } catch { return '' }
       }
       const helpers = () => readdirSync('/proc').filter((pid) => {
         const [, name, state, parent] = /^\\d+ \\((.*)\\) (\\w) (\\d+)/.exec(statOf(pid)) ?? []
         return Number(parent) === process.pid && name.startsWith('kmod-') && state !== 'Z'
       }).map(Number)
       const until = async (holds) => { while (!holds()) await pause(10) }
       ;(async () => { ${script} })()`,
      [system.root, system.at(`lib/modules/${RELEASE}`), folder],
    )

  test('many calls at the same time are answered, and the process ends by itself', async () => {
    const script = `
      const captured = new Kmod({ root })
      const calls = Array.from({ length: 99 }, (_, i) =>
        i % 3 === 0 ? captured.status('dummy') : i % 3 === 1 ? captured.resolve('rtnl-link-dummy')
        : captured.info('dummy'))
      const results = await Promise.all(calls)
      console.log(results.length, results[97][0], results[98].license)`
    expect(await run(script)).toEqual(success('99 dummy GPL\n'))
  })

  test('requests and answers that are larger than the buffer of the socket arrive whole', async () => {
    const script = `
      const captured = new Kmod({ root })
      const table = await captured.list()
      const { steps } = await captured.plan(table.map(({ name }) => name), { guard: 'off' })
      console.log(table.length, table.at(-1).name, steps.length)`
    const last = `made_up_module_${MODULES - 1}`
    expect(await run(script)).toEqual(success(`${MODULES} ${last} ${MODULES}\n`))
  })

  test('a question that is not answered ends at its deadline', async () => {
    const script = `
      const { code, question } = await stuck(300).resolve('dummy').catch((error) => error)
      console.log(code, question)`
    expect(await run(script)).toEqual(success('ERR_KMOD_NO_ANSWER look up aliases\n'))
  })

  test('a question that is not answered ends when its signal is aborted', async () => {
    const script = `
      const signal = AbortSignal.timeout(200)
      const { code, cause } = await stuck(600_000).resolve('dummy', { signal }).catch((error) => error)
      console.log(code, cause.name)`
    expect(await run(script)).toEqual(success('ERR_KMOD_ABORTED TimeoutError\n'))
  })

  test('process.exit waits for no question, and the helpers end with the process', async () => {
    const script = `
      stuck(600_000).resolve('dummy')
      await until(() => helpers().length === 2)
      console.log(helpers().join())
      process.exit(7)`
    const { stdout, ...end } = await run(script)
    expect({ stdout: '', ...end }).toEqual({ ...success(''), code: 7 })
    expect(stdout).toMatch(/^\d+,\d+\n$/)
    const isHelper = (pid: string): boolean => {
      const states = execFileSync('sh', ['-c', `ps -o stat=,comm= -p ${pid} || true`]).toString()
      return /^[^Z]\S* +kmod-/m.test(states)
    }
    while (stdout.trim().split(',').some(isHelper)) await delay(10)
  })

  test('a helper that was killed is told as such, and the next call starts another one', async () => {
    const script = `
      const captured = new Kmod({ root })
      await captured.resolve('dummy')
      for (const pid of helpers()) process.kill(pid, 'SIGKILL')
      await until(() => helpers().length === 0)
      await pause(100)
      console.log((await captured.resolve('dummy'))[0])
      await captured.close()

      const question = stuck(600_000).resolve('dummy').catch((error) => error)
      await until(() => helpers().length === 2)
      await pause(300)
      for (const pid of helpers()) process.kill(pid, 'SIGKILL')
      const { code, message } = await question
      console.log(code, message.includes('SIGKILL'))`
    expect(await run(script)).toEqual(success('dummy\nERR_KMOD_SYSTEM true\n'))
  })

  test('close() ends the helpers, and leaves neither descriptors, zombies nor listeners', async () => {
    const script = `
      const sockets = () => readdirSync('/proc/self/fd').filter((fd) => {
        try { return require('fs').readlinkSync('/proc/self/fd/' + fd).startsWith('socket:') } catch { return false }
      }).length
      const round = async () => {
        const captured = new Kmod({ root })
        await captured.resolve('dummy')
        await captured.close()
      }
      const listeners = process.listenerCount('exit')
      for (let i = 0; i < 10; i++) await round()
      const before = sockets()
      for (let i = 0; i < 20; i++) await round()
      await until(() => helpers().length === 0)
      await pause(100)
      const zombies = readdirSync('/proc').filter((pid) => statOf(pid).includes(') Z ' + process.pid + ' '))
      // Deno opens some sockets of its own, and closes others late: a leak is one for each round.
      console.log(sockets() - before < 20, zombies.length, process.listenerCount('exit') - listeners)`
    expect(await run(script)).toEqual(success('true 0 0\n'))
  })

  // Deno leaves the sockets of a terminated worker open, so its helpers stay until the process ends.
  const ends = ['after close()', ...(runtime === 'Deno' ? [] : ['when they are terminated'])]
  test.each(ends)('worker threads can make calls, and leave no helpers %s', async (end) => {
    const close = end === 'after close()' ? 'await captured.close()' : ''
    const script = `
      const { Worker } = require('worker_threads')
      const code = \`
        const { parentPort, workerData: { main, root } } = require('worker_threads')
        const captured = new (require(main).Kmod)({ root })
        captured.resolve('dummy').then(async ([name]) => { ${close}; parentPort.postMessage(name) })
        setInterval(() => undefined, 1000)\`
      const main = ${JSON.stringify(ROOT)}
      const workers = Array.from({ length: 3 }, () => new Worker(code, { eval: true, workerData: { main, root } }))
      const names = await Promise.all(workers.map((worker) => new Promise((resolve, reject) =>
        worker.once('message', resolve).once('error', reject))))
      await Promise.all(workers.map((worker) => worker.terminate()))
      await until(() => helpers().length === 0)
      console.log(names.join())`
    expect(await run(script)).toEqual(success('dummy,dummy,dummy\n'))
  })

  test('bytes that are not a message make the call reject', async () => {
    const helper = mkdtempSync(join(folder, 'helper-'))
    const binding = process.env.NODE_KMOD_BINDING ?? join(ROOT, 'build', 'Release', 'kmod.node')
    symlinkSync(binding, join(helper, 'kmod.node'))
    const program = `#!/bin/sh\nprintf '\\377\\377\\377\\377' >&3; cat <&3\n`
    writeFileSync(join(helper, 'kmod-helper'), program, { mode: 0o755 })
    const script = `
      process.env.NODE_KMOD_BINDING = ${JSON.stringify(join(helper, 'kmod.node'))}
      const { code, message } = await new Kmod({ root }).resolve('dummy').catch((error) => error)
      console.log(code, message.includes('cannot be understood'))`
    expect(await run(script)).toEqual(success('ERR_KMOD_SYSTEM true\n'))
  })
})
