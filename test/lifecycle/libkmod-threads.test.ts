/** How contexts of node-kmod/libkmod, their threads and workers end. */
import { execFileSync } from 'node:child_process'
import { CapturedSystem, RELEASE } from '../support/captured-system'
import type { Outcome } from '../support/child'
import { hangingOpendir } from '../support/interposer'
import { runLibkmodScript, success } from '../support/libkmod-script'

jest.setTimeout(120_000)

let system: CapturedSystem
let directory: string
beforeAll(() => {
  system = new CapturedSystem().addModules()
  directory = system.at(`lib/modules/${RELEASE}`)
})
afterAll(() => system.remove())

const run = (body: string, options?: Parameters<typeof runLibkmodScript>[2]): Promise<Outcome> =>
  runLibkmodScript(body, directory, options)

test('importing loads neither the addon nor libkmod; calls of node-kmod do not load libkmod', async () => {
  const script = `
    const maps = (what) => readFileSync('/proc/self/maps', 'utf8').includes(what)
    console.log(maps('kmod.node'), maps('libkmod.so'))
    await new (require('node-kmod').Kmod)({ root: process.argv[2] }).status('dummy')
    console.log(maps('kmod.node'), maps('libkmod.so'))
    const context = open()
    console.log((await (await context.moduleFromName('stp')).path()).startsWith(directory), maps('libkmod.so'))`
  expect(await run(script, { args: [system.root] })).toEqual(
    success('false false\ntrue false\ntrue true\n'),
  )
})

test('an idle context does not keep the process alive; a call does', async () => {
  expect(
    await run(`open(); const context = open(); await context.config(); console.log('end')`),
  ).toEqual(success('end\n'))
})

test('each context has one thread, which close() ends', async () => {
  const script = `
    const contexts = [open(), open(), open()]
    await Promise.all(contexts.map((context) => context.modulesFromLookup('dummy')))
    // The thread that opened a context ends, but the kernel can still show it for a moment.
    await untilThreads(3)
    contexts[0].close()
    await untilThreads(2)
    contexts[0].close()
    console.log(await contexts[0].config().catch(codeOf), (await contexts[1].modulesFromLookup('stp'))[0].name)`
  expect(await run(script)).toEqual(success('ERR_KMOD_ABORTED stp\n'))
})

test('calls do not need a thread of the pool of libuv', async () => {
  const script = `
    const fs = require('fs')
    const fifo = process.argv[2]
    const blocked = fs.promises.open(fifo, 'r')
    const module = await open().moduleFromName('stp')
    console.log((await module.info()).length > 0, (await module.dependencies())[0].name)
    const writer = fs.openSync(fifo, 'r+')
    await (await blocked).close()
    fs.closeSync(writer)`
  execFileSync('mkfifo', [system.at('fifo')])
  const env = { UV_THREADPOOL_SIZE: '1' }
  expect(await run(script, { env, args: [system.at('fifo')] })).toEqual(success('true llc\n'))
})

test('a thousand calls of one context are answered in their order', async () => {
  const script = `
    const context = open()
    const order = []
    await Promise.all(Array.from({ length: 1000 }, (_, i) =>
      (i % 2 ? context.modulesFromLookup('dummy') : context.dumpIndex('dep')).then(() => order.push(i))))
    console.log(order.length, order.every((number, i) => number === i))`
  expect(await run(script)).toEqual(success('1000 true\n'))
})

test('close() rejects the calls that wait', async () => {
  const script = `
    const context = open()
    const calls = Array.from({ length: 50 }, () => context.dumpIndex('alias'))
    context.close()
    const ends = await Promise.allSettled(calls)
    console.log(new Set(ends.map(({ reason }) => [reason.name, reason.code].join())))`
  expect(await run(script)).toEqual(success(`Set(1) { 'AbortError,ERR_KMOD_ABORTED' }\n`))
})

test('a module keeps its context; when both were collected, the thread ends', async () => {
  const script = `
    const make = async () => {
      const context = open()
      return [await context.moduleFromName('stp'), ...(await context.modulesFromLookup('dummy'))]
    }
    let modules = await make()
    for (let i = 0; i < 5; i++) { gc(); await sleep(5) }
    console.log(threads(), (await modules[0].dependencies()).map(({ name }) => name))
    modules = undefined
    while (threads() > 0) { gc(); await sleep(5) }
    console.log(threads())`
  expect(await run(script)).toEqual(success(`1 [ 'llc' ]\n0\n`))
})

test('ten thousand contexts leave nothing behind', async () => {
  // The sanitizers keep freed memory for a while, so its size says nothing there.
  const limit = process.env.KMOD_SANITIZED ? Infinity : 3
  const script = `
    const once = async () => {
      const context = open()
      const [module] = await context.modulesFromLookup('rtnl-link-dummy')
      await module.info()
      context.close()
    }
    // Without the memory that V8 has reserved for its heap, which grows up to a limit of its own.
    const used = () => {
      gc()
      const { rss, heapTotal, heapUsed } = process.memoryUsage()
      return rss - heapTotal + heapUsed
    }
    let before = 0
    for (let i = 0; i < 10_000; i++) {
      await once()
      if (i === 5_000) before = used()
    }
    await untilThreads(0)
    const grown = (used() - before) / 1024 / 1024
    console.log(grown < Number(process.argv[2]) ? 'small' : grown, readdirSync('/proc/self/fd').length < 40)`
  const outcome = await run(script, { args: [String(limit)] })
  expect(outcome).toEqual(success('small true\n'))
})

test('workers can be terminated at any point of a call', async () => {
  const script = `
    const { Worker } = require('worker_threads')
    const round = async (delay) => {
      const worker = new Worker(
        \`const { Context } = require('node-kmod/libkmod')
         const directory = require('worker_threads').workerData
         setInterval(() => {
           const context = new Context({ directory, configPaths: [] })
           context.dumpIndex('alias').catch(() => undefined)
           context.modulesFromLookup('dummy').then(([module]) => module.info()).catch(() => undefined)
         }, 0)\`,
        { eval: true, workerData: directory })
      await new Promise((resolve) => worker.once('online', resolve))
      await sleep(delay)
      await worker.terminate()
    }
    for (let i = 0; i < 10; i++) await Promise.all([round(i * 9), round(i * 14)])
    await untilThreads(0)
    console.log((await open().modulesFromLookup('stp')).length)`
  expect(await run(script)).toEqual(success('1\n'))
})

describe('while libkmod hangs in a system call', () => {
  let env: NodeJS.ProcessEnv
  beforeAll(() => (env = hangingOpendir(system.root)))

  const HANG = `
    const context = open()
    const module = await context.moduleFromName('stp')
    const holders = (options) => module.holders(options).then(() => 'resolved', codeOf);`

  test('other contexts answer, and close() rejects the call', async () => {
    const script = `${HANG}
      const hung = holders()
      const later = module.path().catch(codeOf)
      console.log((await open().modulesFromLookup('dummy'))[0].name)
      context.close()
      console.log(await hung, await later)`
    expect(await run(script, { env })).toEqual(
      success('dummy\nERR_KMOD_ABORTED ERR_KMOD_ABORTED\n'),
    )
  })

  test('a call that was aborted does not keep the process alive', async () => {
    const script = `${HANG}
      console.log(await holders({ signal: AbortSignal.timeout(20) }))`
    expect(await run(script, { env })).toEqual(success('ERR_KMOD_ABORTED\n'))
  })

  test.each([
    ['process.exit', 'process.exit(7)', 7, /^$/],
    ['an exception', 'throw new Error("on purpose")', 1, /Error: on purpose/],
  ])('%s ends the process', async (_, end, status, printed) => {
    const { code, signal, stderr } = await run(
      `${HANG} holders(); setTimeout(() => { ${end} }, 20)`,
      {
        env,
      },
    )
    expect({ code, signal }).toEqual({ code: status, signal: null })
    expect(stderr).toMatch(printed)
  })

  test('a worker can be terminated', async () => {
    const script = `
      const { Worker } = require('worker_threads')
      const worker = new Worker(
        \`const { Context } = require('node-kmod/libkmod')
         const context = new Context({ directory: require('worker_threads').workerData, configPaths: [] })
         context.moduleFromName('stp').then((module) => {
           require('worker_threads').parentPort.postMessage('hangs')
           return module.holders()
         })\`,
        { eval: true, workerData: directory })
      await new Promise((resolve) => worker.once('message', resolve))
      await sleep(20)
      await worker.terminate()
      console.log('terminated', threads(), (await open().modulesFromLookup('dummy'))[0].name)`
    expect(await run(script, { env })).toEqual(success('terminated 1 dummy\n'))
  })
})
