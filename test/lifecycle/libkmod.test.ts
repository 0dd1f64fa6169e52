/** Wrong arguments of node-kmod/libkmod, and files that are damaged or unusual. */
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { CapturedSystem, RELEASE } from '../support/captured-system'
import type { Outcome } from '../support/child'
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
