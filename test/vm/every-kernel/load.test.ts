/** load(): order, parameters, modprobe.d, module files and failures. */
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { kmod, Kmod } from 'node-kmod'
import { isRunning } from '../processes'
import {
  afterThisTest,
  describeWithTestModules,
  isInKernel,
  isState,
  letReturn,
  lsmod,
  modprobe,
  MODULE_DIRECTORY,
  rejection,
  removeModules,
  run,
  temporaryFolder,
  until,
} from '../support'

/** A Kmod whose modprobe.d is one file with this text. */
function configured(text: string): Kmod {
  const file = join(temporaryFolder(), 'test.conf')
  writeFileSync(file, text)
  return new Kmod({ configPaths: [file] })
}

/** The interfaces that the module dummy creates by itself: as many as its parameter says. */
const dummies = (): string[] => run('ip', ['-br', 'link']).match(/^dummy\d/gm) ?? []

/** Writes a module file without compression. */
async function unpack(module: string, file: string): Promise<void> {
  const { path } = await kmod.info(module)
  run('sh', ['-c', `case ${path} in *.xz) xz -dc ${path};; *) cat ${path};; esac > ${file}`])
}

describe('a name', () => {
  test('loads what modprobe would load, in the same order', async () => {
    const oracle = run('modprobe', ['--show-depends', 'br_netfilter'])
      .trimEnd()
      .split('\n')
      .map((line) => line.replace(/^insmod .*\//, '').replace(/\.ko.*$/, ''))
    const before = lsmod().map(({ name }) => name)
    const report = await kmod.load('br-netfilter')
    expect(report).toMatchObject({
      module: 'br_netfilter',
      alreadyLoaded: false,
      newTaints: [],
      clean: true,
    })
    expect(report.loaded).toEqual(oracle)
    expect(lsmod().map(({ name }) => name)).toEqual([...report.loaded].reverse().concat(before))
    expect(report.messages).toContain('Bridge firewalling registered')
  })

  test('can be an alias, or a module that is loaded already', async () => {
    expect(await kmod.load('rtnl-link-dummy')).toMatchObject({ module: 'dummy', loaded: ['dummy'] })
    expect(await kmod.load('dummy')).toMatchObject({ alreadyLoaded: true, loaded: [] })
    expect(await rejection(kmod.load('dummy', { mustBeNew: true }))).toMatchObject({
      code: 'ERR_KMOD_ALREADY_LOADED',
    })
    expect(await rejection(kmod.load('dummy', { parameters: { numdummies: 2 } }))).toMatchObject({
      code: 'ERR_KMOD_ALREADY_LOADED',
    })
  })

  test('that is unknown rejects with ERR_KMOD_NOT_FOUND', async () => {
    expect(await rejection(kmod.load('nosuchmodule'))).toMatchObject({ code: 'ERR_KMOD_NOT_FOUND' })
  })
})

describe('parameters', () => {
  test('reach the module', async () => {
    await kmod.load('dummy', { parameters: { numdummies: 3 } })
    expect(dummies()).toHaveLength(3)
  })

  test('that the module does not have show up in the kernel messages', async () => {
    const report = await kmod.load('dummy', { parameters: { nosuchparameter: 1 } })
    expect(report.messages).toContainEqual(expect.stringContaining('nosuchparameter'))
  })
})

describe('modprobe.d', () => {
  test('options are applied before the parameters of the call', async () => {
    const kmod = configured('options dummy numdummies=2\n')
    await kmod.load('dummy')
    expect(dummies()).toHaveLength(2)
    removeModules('dummy')
    await kmod.load('dummy', { parameters: { numdummies: 1 } })
    expect(dummies()).toHaveLength(1)
  })

  test('soft dependencies are loaded before and after; one that fails does no harm', async () => {
    const kmod = configured('softdep dummy pre: nosuchmodule fat post: vfat\n')
    expect((await kmod.load('dummy')).loaded).toEqual(['fat', 'dummy', 'vfat'])
  })

  test('an install command gets the parameters as words, never as shell text', async () => {
    const folder = temporaryFolder()
    const injected = join(folder, 'injected')
    const kmod = configured(
      `install dummy printf "%s|" $CMDLINE_OPTS > ${folder}/options; modprobe -i dummy $CMDLINE_OPTS\n`,
    )
    const parameters = { numdummies: 1, note: `$(touch ${injected});\`touch ${injected}\`` }
    expect((await kmod.load('dummy', { parameters })).loaded).toEqual(['dummy'])
    expect(readFileSync(join(folder, 'options'), 'utf8')).toContain('numdummies=1|')
    expect(existsSync(injected)).toBe(false)
  })

  test('an install command that fails, or does not load the module, rejects with ERR_KMOD_LOAD', async () => {
    const failed = await rejection(
      configured('install dummy echo sorry >&2; exit 3\n').load('dummy'),
    )
    expect(failed).toMatchObject({ code: 'ERR_KMOD_LOAD', module: 'dummy' })
    expect(failed.message).toContain('sorry')
    const idle = await rejection(configured('install dummy /bin/true\n').load('dummy'))
    expect(idle).toMatchObject({ code: 'ERR_KMOD_LOAD', module: 'dummy' })
    expect(isInKernel('dummy')).toBe(false)
  })

  test('an install command that hangs is killed, with the processes that it started', async () => {
    const file = join(temporaryFolder(), 'pid')
    const kmod = configured(`install dummy sleep 1000 & echo $! > ${file}; wait\n`)
    const error = await rejection(kmod.load('dummy', { hungAfter: 500 }))
    expect(error).toMatchObject({ code: 'ERR_KMOD_LOAD', module: 'dummy' })
    const pid = Number(readFileSync(file, 'utf8'))
    await until('the sleep has ended', () => !isRunning(pid))
  })

  test('a blacklist applies to aliases, not to names', async () => {
    const kmod = configured('blacklist dummy\n')
    expect(await rejection(kmod.load('rtnl-link-dummy'))).toMatchObject({ code: 'ERR_KMOD_LOAD' })
    await kmod.load('dummy')
    expect(isInKernel('dummy')).toBe(true)
  })
})

describe('a file', () => {
  test('is loaded after its dependencies', async () => {
    const file = join(temporaryFolder(), 'copied-module.ko')
    await unpack('stp', file)
    expect(await kmod.load({ file })).toMatchObject({
      module: 'stp',
      loaded: ['llc', 'stp'],
      alreadyLoaded: false,
    })
    expect(await kmod.load({ file })).toMatchObject({ alreadyLoaded: true })
    rmSync(file)
    expect(await rejection(kmod.load({ file }))).toMatchObject({ code: 'ERR_KMOD_NOT_FOUND' })
  })

  test('that is no module rejects with ERR_KMOD_FORMAT', async () => {
    const file = join(temporaryFolder(), 'text.ko')
    writeFileSync(file, 'text')
    expect(await rejection(kmod.load({ file }))).toMatchObject({ code: 'ERR_KMOD_FORMAT' })
  })

  test("for another kernel rejects with the kernel's error", async () => {
    const file = join(temporaryFolder(), 'dummy.ko')
    await unpack('dummy', file)
    const signed = readFileSync(file)
    // Without its signature, and with the vermagic of a kernel for one processor.
    const bytes = signed.subarray(0, signed.indexOf('~Module signature appended~'))
    bytes.write('one', bytes.indexOf(' SMP', bytes.indexOf('vermagic=')) + 1)
    writeFileSync(file, bytes)
    expect(await rejection(kmod.load({ file }))).toMatchObject({
      code: 'ERR_KMOD_LOAD',
      errnoCode: 'ENOEXEC',
      syscall: 'init_module',
    })
    expect(isInKernel('dummy')).toBe(false)
  })
})

describeWithTestModules('misbehaving test modules', () => {
  test('parameters of every type arrive as they were given', async () => {
    await kmod.load('kmodtest_params', {
      parameters: { number: -5, text: 'two words', flag: true, list: [1, 2, 3] },
    })
    const read = (name: string): string =>
      readFileSync(`/sys/module/kmodtest_params/parameters/${name}`, 'utf8').trim()
    expect(['number', 'text', 'flag', 'list'].map(read)).toEqual(['-5', 'two words', 'Y', '1,2,3'])
  })

  test("an init function that fails: the error has the kernel's errno", async () => {
    expect(await rejection(kmod.load('kmodtest_fail_init'))).toMatchObject({
      code: 'ERR_KMOD_LOAD',
      module: 'kmodtest_fail_init',
      errno: -19,
      errnoCode: 'ENODEV',
    })
    expect(
      await rejection(kmod.load('kmodtest_fail_init', { parameters: { error: 12 } })),
    ).toMatchObject({ code: 'ERR_KMOD_LOAD', errnoCode: 'ENOMEM' })
  })

  test('an unsigned module from outside the kernel adds its taints once', async () => {
    const { newTaints } = await kmod.load('kmodtest_slow_exit', { parameters: { exit_ms: 0 } })
    // None, if another test loaded such a module before.
    expect(newTaints.filter((name) => !['OOT_MODULE', 'UNSIGNED_MODULE'].includes(name))).toEqual(
      [],
    )
    await kmod.remove('kmodtest_slow_exit')
    const again = await kmod.load('kmodtest_slow_exit', { parameters: { exit_ms: 0 } })
    expect(again.newTaints).toEqual([])
  })

  test('an init function that hangs: ERR_KMOD_HUNG, loading, and at last live', async () => {
    afterThisTest(() => letReturn('kmodtest_hang_init'))
    const error = await rejection(kmod.load('kmodtest_hang_init', { hungAfter: 500 }))
    expect(error).toMatchObject({ code: 'ERR_KMOD_HUNG', module: 'kmodtest_hang_init' })
    expect(error.kernelStack).toContain('hang_init_init')
    expect(await kmod.status('kmodtest_hang_init')).toBe('loading')
    expect(await kmod.isLoaded('kmodtest_hang_init')).toBe(false)
    expect(await rejection(kmod.load('kmodtest_hang_init'))).toMatchObject({
      code: 'ERR_KMOD_TRANSIENT',
    })
    expect(await rejection(kmod.remove('kmodtest_hang_init'))).toMatchObject({
      code: 'ERR_KMOD_TRANSIENT',
      pid: error.pid,
    })
    letReturn('kmodtest_hang_init')
    await until('it is live', () => isState('kmodtest_hang_init', 'Live'))
    expect(await kmod.isLoaded('kmodtest_hang_init')).toBe(true)
  })

  test('a module of another module directory is loaded by name', async () => {
    const folder = temporaryFolder()
    const moduleDirectory = join(folder, 'lib/modules/1.2.3')
    const file = join(moduleDirectory, 'kmodtest_params.ko')
    mkdirSync(moduleDirectory, { recursive: true })
    copyFileSync(`${MODULE_DIRECTORY}/extra/kmodtest_params.ko`, file)
    run('depmod', ['-b', folder, '1.2.3'])
    const own = new Kmod({ moduleDirectory })
    expect((await own.info('kmodtest_params')).path).toBe(file)
    expect((await own.load('kmodtest_params')).loaded).toEqual(['kmodtest_params'])
    expect(await own.status('dummy')).toBe('unknown')
    modprobe('dummy')
    expect(await own.status('dummy')).toBe('live')
  })
})
