/**
 * Questions that are not answered: a FIFO in place of a configuration file holds up the helper for ever.
 * With locks of the kernel: test/vm/one-kernel/no-answer.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { CapturedSystem, RELEASE } from '../support/captured-system'
import { fillLaptop } from '../support/laptop'
import { runScript, type Outcome } from '../support/child'

let system: CapturedSystem
let folder: string
beforeAll(() => {
  system = new CapturedSystem().addModules()
  system.write('proc/modules', 'stp 16384 0 - Live 0x0\nllc 16384 1 stp, Live 0x0\n')
  folder = mkdtempSync(join(tmpdir(), 'kmod-fifo-'))
  execFileSync('mkfifo', [join(folder, 'a.conf')])
})
afterAll(() => {
  system.remove()
  rmSync(folder, { recursive: true })
})

/** For scripts: a Kmod whose configuration is a FIFO, and one without; and the helpers of the process. */
const run = (script: string, nodeOptions: readonly string[] = []): Promise<Outcome> =>
  runScript(
    `const { Kmod } = require('node-kmod')
     const { readdirSync, readFileSync } = require('fs')
     const [moduleDirectory, folder] = process.argv.slice(1)
     const stuck = (timeout) => new Kmod({ moduleDirectory, configPaths: [folder], timeout })
     const free = (timeout) => new Kmod({ moduleDirectory, configPaths: [], timeout })
     const code = (promise) => promise.then((value) => value, ({ code }) => code)
     const helpers = () => readdirSync('/proc/self/task')
       .flatMap((task) => readFileSync('/proc/self/task/' + task + '/children', 'utf8').split(' '))
       .filter((pid) => pid !== '')
       .map((pid) => [Number(pid), readFileSync('/proc/' + pid + '/stat', 'utf8')])
       .filter(([, stat]) => /kmod-\\w+\\) [^Z]/.test(stat))
       .map(([pid]) => pid)
     const until = async (holds) => {
       while (!holds()) await new Promise((resolve) => setTimeout(resolve, 10))
     }
     ;(async () => { ${script} })()`,
    { args: [system.at(`lib/modules/${RELEASE}`), folder], nodeOptions },
  )

const success = (stdout: string): Outcome => ({ code: 0, signal: null, stdout, stderr: '' })

test('a question that is not answered rejects with its words, and the process ends by itself', async () => {
  const script = `
    const error = await stuck(500).resolve('dummy').catch((error) => error)
    console.log(error.code, error.question, error.message.includes('within 500 ms'))
    await until(() => helpers().length < 2)`
  expect(await run(script)).toEqual(success('ERR_KMOD_NO_ANSWER look up aliases true\n'))
})

test('many calls with one signal abort together, and Node.js does not warn of too many listeners', async () => {
  const script = `
    const controller = new AbortController()
    const kmod = stuck(60_000)
    const calls = Array.from({ length: 20 }, (_, number) =>
      code(kmod.resolve('module' + number, { signal: controller.signal })))
    await until(() => helpers().length > 0)
    controller.abort()
    console.log(new Set(await Promise.all(calls)))`
  expect(await run(script)).toEqual(success("Set(1) { 'ERR_KMOD_ABORTED' }\n"))
})

test('one call that asks many questions: Node.js does not warn of too many listeners', async () => {
  const laptop = new CapturedSystem()
  try {
    fillLaptop(laptop)
    const script = `
      const { Kmod } = require('node-kmod')
      const kmod = new Kmod({ root: process.argv[1] })
      kmod.plan('e1000e').then(({ feasible }) => console.log(feasible))`
    expect(await runScript(script, { args: [laptop.root] })).toEqual(success('false\n'))
  } finally {
    laptop.remove()
  }
})

test('another Kmod is not affected meanwhile', async () => {
  const script = `
    let isOver = false
    stuck(600_000).resolve('dummy').finally(() => (isOver = true))
    console.log(await free(60_000).resolve('dummy'), isOver)
    process.exit()`
  expect(await run(script)).toEqual(success(`[ 'dummy' ] false\n`))
})

test('questions behind one that is not answered are asked again, or reject with it', async () => {
  const script = `
    const own = stuck(1_000)
    const answers = await Promise.all([
      code(own.resolve('dummy')), code(own.resolve('stp')), code(own.status('llc')), code(own.preflight())])
    console.log(answers[0], answers[1], answers[2], answers[3].libkmod !== undefined)`
  const { stdout, stderr } = await run(script)
  expect(stderr).toBe('')
  expect(stdout).toMatch(/^(ERR_KMOD_NO_ANSWER ){2}\w+ (true|false)\n$/)
})

test('a signal ends a question that is not answered, and nothing keeps the process alive', async () => {
  const script = `
    const signal = AbortSignal.timeout(200)
    const { code, cause } = await stuck(600_000).resolve('dummy', { signal }).catch((error) => error)
    console.log(code, cause.name)`
  expect(await run(script)).toEqual(success('ERR_KMOD_ABORTED TimeoutError\n'))
})

test('process.exit does not wait for a question, and the helper that hangs with it ends too', async () => {
  const script = `
    stuck(600_000).resolve('dummy')
    setTimeout(() => { console.log(helpers().join()); process.exit(7) }, 300)`
  const { stdout, ...end } = await run(script)
  expect({ stdout: '', ...end }).toEqual({ ...success(''), code: 7 })
  const pids = stdout.trim().split(',')
  expect(pids).toContainEqual(expect.stringMatching(/^\d+$/))
  // A zombie has ended: the process that inherits it has not waited for it yet.
  const hasEnded = (pid: string): boolean => {
    try {
      return readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ')
    } catch {
      return true
    }
  }
  while (!pids.every(hasEnded)) await delay(10)
})

test('a helper that was killed is told as such, not as a damaged file', async () => {
  const script = `
    const question = stuck(600_000).resolve('dummy').catch((error) => error)
    await until(() => helpers().length === 2)
    await new Promise((resolve) => setTimeout(resolve, 300))
    for (const pid of helpers()) process.kill(pid, 'SIGKILL')
    const { code, message } = await question
    console.log(code, message.includes('SIGKILL'))`
  expect(await run(script)).toEqual(success('ERR_KMOD_SYSTEM true\n'))
})

describe('close()', () => {
  test('rejects what waits, ends the helpers, and a later call starts again', async () => {
    const script = `
      const own = stuck(2_000)
      const question = code(own.resolve('dummy'))
      await until(() => helpers().length === 2)
      await own.close()
      console.log(await question)
      await until(() => helpers().length === 0)
      const other = free(60_000)
      await other.close()
      console.log(await other.resolve('dummy'), helpers().length > 0)
      await Promise.all([other.close(), other.close()])
      await until(() => helpers().length === 0)
      console.log(await other.resolve('dummy'))`
    expect(await run(script)).toEqual(success(`ERR_KMOD_ABORTED\n[ 'dummy' ] true\n[ 'dummy' ]\n`))
  })

  test('deletes the temporary folder of a captured system; await using calls it', async () => {
    const script = `
      const { mkdtempSync } = require('fs')
      process.env.TMPDIR = mkdtempSync(require('os').tmpdir() + '/kmod-close-')
      const mirrors = () => readdirSync(process.env.TMPDIR).length
      const captured = new Kmod({ root: '${system.root}' })
      await captured.resolve('dummy')
      const during = mirrors()
      await captured[Symbol.asyncDispose ?? Symbol.for('nodejs.asyncDispose')]()
      console.log(during, mirrors(), await captured.resolve('dummy'), mirrors())
      await captured.close()
      require('fs').rmdirSync(process.env.TMPDIR)`
    expect(await run(script)).toEqual(success(`1 0 [ 'dummy' ] 1\n`))
  })
})

test('the helpers of a Kmod that is garbage end', async () => {
  const script = `
    await free(60_000).resolve('dummy')
    const before = helpers().length
    await until(() => { gc(); return helpers().length === 0 })
    console.log(before > 0)`
  expect(await run(script, ['--expose-gc'])).toEqual(success('true\n'))
})

test('FIFOs of a captured system are no files', async () => {
  const captured = new CapturedSystem().addModules()
  try {
    captured.write('proc/modules', 'stp 16384 0 - Live 0x0\n')
    captured.write('etc/modprobe.d/b.conf', 'alias my-alias dummy\n')
    captured.write('boot/empty', '')
    const fifos = [`boot/config-${RELEASE}`, 'etc/modprobe.d/a.conf', 'proc/cmdline']
    execFileSync(
      'mkfifo',
      [...fifos, `lib/modules/${RELEASE}/modules.symbols`].map((path) => captured.at(path)),
    )
    const script = `
      const captured = new Kmod({ root: '${captured.root}' })
      console.log((await captured.preflight()).kernel.release, await captured.resolve('my-alias'),
        await captured.list().then((rows) => rows.length))`
    expect(await run(script)).toEqual(success(`${RELEASE} [ 'dummy' ] 1\n`))
  } finally {
    captured.remove()
  }
})
