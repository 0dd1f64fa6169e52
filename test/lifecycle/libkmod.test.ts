/** How contexts of node-kmod/libkmod, their threads and workers end; and files that are damaged. */
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { CapturedSystem, RELEASE } from '../support/captured-system'
import { runScript, type Outcome } from '../support/child'
import { hangingOpendir } from '../support/interposer'

jest.setTimeout(120_000)

let system: CapturedSystem
let directory: string
beforeAll(() => {
  system = new CapturedSystem().addModules()
  directory = system.at(`lib/modules/${RELEASE}`)
})
afterAll(() => system.remove())

const COMMON = `
  const { Context, Module } = require('node-kmod/libkmod')
  const directory = process.argv[1]
  const open = () => new Context({ directory, configPaths: [] })
  const codeOf = ({ code }) => code
  const sleep = (delay) => new Promise((resolve) => setTimeout(resolve, delay))
  const { readdirSync, readFileSync } = require('fs')
  // The names of the threads of this process.
  const threads = () => readdirSync('/proc/self/task').flatMap((id) => {
    try { return [readFileSync('/proc/self/task/' + id + '/comm', 'utf8').trim()] } catch { return [] }
  }).filter((name) => name === 'kmod-libkmod').length
  require('v8').setFlagsFromString('--expose-gc')
  const gc = require('vm').runInNewContext('gc')
  const untilThreads = async (count) => { while (threads() !== count) await sleep(5) }`

const run = (
  body: string,
  { env, args = [] }: { env?: NodeJS.ProcessEnv; args?: string[] } = {},
): Promise<Outcome> =>
  runScript(
    `${COMMON}
     ;(async () => { ${body} })()`,
    { args: [directory, ...args], env },
  )

const success = (stdout: string): Outcome => ({ code: 0, signal: null, stdout, stderr: '' })

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

test('the methods refuse an object of another class', async () => {
  const script = `
    const native = require('./dist/live/native').load().native
    const { Context: Native } = native.createBinding()
    const context = new Native(directory, [])
    const { value: module } = await context.moduleFromName('stp').reply
    const refusal = (call) => { try { call(); return 'accepted' } catch ({ message }) { return message } }
    console.log([
      refusal(() => Native.prototype.config.call(module)),
      refusal(() => module.path.call(context)),
      refusal(() => module.path.call({})),
      refusal(() => module.path.call(native)),
      refusal(() => new module.constructor(context)),
      refusal(() => new module.constructor({})),
      refusal(() => context.moduleFromName(1)),
      refusal(() => context.moduleFromName('a\\0b')),
      refusal(() => context.dumpIndex(5)),
      refusal(() => Native('/')),
    ].map((text) => text === 'accepted' ? text : 'refused').join())`
  expect(await run(script)).toEqual(success(`${Array(10).fill('refused').join()}\n`))
})

test('wrong arguments are TypeErrors, and every failure has errno, errnoCode and syscall', async () => {
  const script = `
    const context = open()
    const show = (promise) => promise.then(() => 'resolved', (error) =>
      [error.name, error.code, error.errno, error.errnoCode, error.syscall].join(' ').trim())
    const nosuch = await context.moduleFromName('nosuch')
    const calls = [context.moduleFromName('a.b'), context.moduleFromName(5), context.moduleFromPath(''),
      context.modulesFromLookup('a\\0b'), context.dumpIndex('deps'), context.config({ wait: 1 }),
      context.config({ signal: AbortSignal.abort() }),
      context.moduleFromPath('/nowhere/x.ko'), nosuch.info(),
      nosuch.refCount(), nosuch.insert(),
      nosuch.sections()].map(show)
    for (const shown of await Promise.all(calls)) console.log(shown)
    for (const wrong of [{ directory: 5 }, { configPath: '/' }]) {
      try { new Context(wrong) } catch (error) { console.log(error.name, error.message.slice(0, 40)) }
    }
    console.log((await nosuch.initState()),
      (await context.moduleFromNameLookup('nosuch')))`
  const { stdout, stderr } = await run(script)
  expect(stderr).toBe('')
  expect(stdout.split('\n')).toEqual([
    'TypeError ERR_INVALID_ARG_VALUE',
    'TypeError ERR_INVALID_ARG_TYPE',
    'TypeError ERR_INVALID_ARG_VALUE',
    'TypeError ERR_INVALID_ARG_VALUE',
    'TypeError ERR_INVALID_ARG_VALUE',
    'TypeError ERR_INVALID_ARG_VALUE',
    'AbortError ERR_KMOD_ABORTED',
    'KmodError ERR_KMOD_NOT_FOUND -2 ENOENT kmod_module_new_from_path',
    'KmodError ERR_KMOD_NOT_FOUND -2 ENOENT kmod_module_get_info',
    'KmodError ERR_KMOD_NOT_LOADED -2 ENOENT kmod_module_get_refcnt',
    'KmodError ERR_KMOD_NOT_FOUND -2 ENOENT kmod_module_insert_module',
    'KmodError ERR_KMOD_NOT_LOADED -2 ENOENT kmod_module_get_sections',
    expect.stringMatching(/^TypeError The "options.directory"/),
    expect.stringMatching(/^TypeError Unknown option "configPath"/),
    'null undefined',
    '',
  ])
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

describe('damaged and unusual files', () => {
  let other: CapturedSystem
  let at: (path: string) => string
  beforeEach(() => {
    other = new CapturedSystem().addModules()
    at = (path) => other.at(`lib/modules/${RELEASE}/${path}`)
  })
  afterEach(() => other.remove())
  const inOther = (body: string): Promise<Outcome> =>
    run(
      `const directory = process.argv[2], config = process.argv[3]
      const describe = ({ code, errnoCode, syscall }) => [code, errnoCode, syscall].join(' ')
      ${body}`,
      { args: [at('.'), other.at('etc')] },
    )

  test('a damaged index is refused, also if it is damaged after it was checked', async () => {
    const script = `
      const context = new Context({ directory, configPaths: [] })
      const fs = require('fs')
      console.log((await context.modulesFromLookup('dummy')).length)
      const file = directory + '/modules.alias.bin'
      const bytes = fs.readFileSync(file)
      fs.writeFileSync(file, bytes.subarray(0, bytes.length - 5))
      console.log(await context.modulesFromLookup('dummy').catch(describe))
      console.log((await context.moduleFromName('dummy')).name, await context.dumpIndex('dep').catch(describe))
      fs.writeFileSync(file, bytes)
      console.log((await context.modulesFromLookup('fs-dummy'))[0].name)`
    expect(await inOther(script)).toEqual(
      success(
        '1\nERR_KMOD_FORMAT EINVAL kmod_module_new_from_lookup\n' +
          'dummy ERR_KMOD_FORMAT EINVAL kmod_dump_index\ndummy\n',
      ),
    )
  })

  test('a FIFO is refused as configuration, as index and as module', async () => {
    execFileSync('mkfifo', [at('fifo.ko'), at('modules.symbols.fifo')])
    other.write('etc/some.conf', 'alias a dummy\n')
    const script = `
      const fs = require('fs')
      const { execFileSync } = require('child_process')
      const context = new Context({ directory, configPaths: [config] })
      console.log((await context.config()).aliases)
      const module = await context.moduleFromPath(directory + '/fifo.ko')
      console.log(await module.info().catch(describe))
      console.log(await module.insert().catch(describe))
      fs.renameSync(directory + '/modules.symbols.fifo', directory + '/modules.symbols.bin')
      console.log(await context.modulesFromLookup('dummy').catch(describe))
      execFileSync('mkfifo', [config + '/fifo.conf'])
      console.log(await new Context({ directory, configPaths: [config] }).config().catch(describe))`
    expect(await inOther(script)).toEqual(
      success(
        `[ [ 'a', 'dummy' ] ]\nERR_KMOD_FORMAT ENOEXEC kmod_module_get_info\n` +
          'ERR_KMOD_FORMAT ENOEXEC kmod_module_insert_module\n' +
          'ERR_KMOD_FORMAT EINVAL kmod_module_new_from_lookup\nERR_KMOD_FORMAT EINVAL kmod_new\n',
      ),
    )
  })

  test('a damaged compressed module file is ERR_KMOD_FORMAT', async () => {
    writeFileSync(at('damaged.ko.xz'), Buffer.from('fd377a585a00010203', 'hex'))
    writeFileSync(at('packed.ko.gz'), gzipSync('no module'))
    writeFileSync(at('cut.ko.gz'), gzipSync(randomBytes(1000)).subarray(0, 100))
    const script = `
      for (const name of ['damaged.ko.xz', 'packed.ko.gz', 'cut.ko.gz']) {
        const module = await new Context({ directory, configPaths: [] }).moduleFromPath(directory + '/' + name)
        for (const read of ['info', 'versions', 'symbols', 'dependencySymbols']) {
          console.log(await module[read]().then(() => 'resolved', codeOf))
        }
      }`
    expect(await inOther(script)).toEqual(success('ERR_KMOD_FORMAT\n'.repeat(12)))
  })

  test('bad lines of the configuration are not written to standard error', async () => {
    other.write('etc/bad.conf', 'this is no line\nalias b dummy\n')
    const script = `console.log((await new Context({ directory, configPaths: [config] }).config()).aliases)`
    expect(await inOther(script)).toEqual(success(`[ [ 'b', 'dummy' ] ]\n`))
  })

  test('no cut and no changed byte of a module file ends the process', async () => {
    const env = { ...process.env, LD_PRELOAD: '' }
    execFileSync('gcc', ['-c', '-x', 'c', '-', '-o', at('real.ko')], { input: MODULE_SOURCE, env })
    const script = `
      const fs = require('fs')
      const whole = fs.readFileSync(directory + '/real.ko')
      const file = directory + '/damaged.ko'
      const counts = {}
      const read = async (bytes) => {
        fs.writeFileSync(file, bytes)
        const context = new Context({ directory, configPaths: [] })
        const module = await context.moduleFromPath(file)
        for (const end of await Promise.allSettled([module.info(), module.symbols(), module.versions(), module.dependencySymbols()])) {
          const what = end.reason?.code ?? 'resolved'
          counts[what] = (counts[what] ?? 0) + 1
        }
        context.close()
      }
      await read(whole)
      console.log(counts)
      for (let length = 0; length < whole.length; length += 7) await read(whole.subarray(0, length))
      const headers = whole.readUInt32LE(40)
      const table = [...whole.keys()].filter((at) => at < 64 || at >= headers)
      for (const at of table) {
        for (const byte of [0x00, 0x7f, 0xff]) {
          const bytes = Buffer.from(whole)
          bytes[at] = byte
          await read(bytes)
        }
      }
      console.log(counts.resolved > 100, counts.ERR_KMOD_FORMAT > 100)`
    expect(await inOther(script)).toEqual(success('{ resolved: 4 }\ntrue true\n'))
  })
})

const MODULE_SOURCE = `
#define SECTION(name) __attribute__((section(name), used))
SECTION(".modinfo") static const char license[] = "license=GPL";
SECTION(".modinfo") static const char depends[] = "depends=";
SECTION("__versions") static const struct { unsigned long crc; char name[56]; } versions[] = {
  { 0x12345678, "printk" }, { 0x9abcdef0, "kmalloc" },
};
SECTION("__ksymtab_strings") static const char names[] = "kmod_test_export";
extern int printk(const char *, ...);
extern void *kmalloc(unsigned long);
int kmod_test_export(void) { return printk("x") + (kmalloc(1) != 0); }
`
