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

  test('that the module does not declare are a TypeError, and nothing is loaded', async () => {
    await expect(kmod.load('dummy', { parameters: { numdummy: 1 } })).rejects.toMatchObject({
      code: 'ERR_INVALID_ARG_VALUE',
      message: expect.stringMatching(
        /declares \(numdummies\).*Did you mean "numdummies"/,
      ) as string,
    })
    expect(isInKernel('dummy')).toBe(false)
    await kmod.load('dummy', { parameters: { numdummies: 1, async_probe: false } })
  })
})

describe('what a name means', () => {
  test('an alias of several modules loads all that can be, as modprobe does', async () => {
    const config = 'alias several nosuchmodule\nalias several dummy\nalias several fat\n'
    expect(await configured(`${config}blacklist fat\n`).load('several')).toMatchObject({
      module: 'dummy',
      loaded: ['dummy'],
    })
    expect(isInKernel('fat')).toBe(false)
    expect(await configured(config).load('several')).toMatchObject({ loaded: ['fat'] })
    const none = configured('alias none nosuchmodule\nalias none nosuchmodule2\n')
    expect(await rejection(none.load('none'))).toMatchObject({ code: 'ERR_KMOD_NOT_FOUND' })
  })

  test('a name in the index is the module, even if modprobe.d has an alias with this name', async () => {
    const kmod = configured('alias dummy off\nalias fat vfat\n')
    expect(await kmod.unload('dummy')).toMatchObject({ removed: [], absent: ['dummy'] })
    expect(await kmod.explain('dummy')).toMatchObject({ module: 'dummy', status: 'unloaded' })
    expect((await kmod.load('dummy')).loaded).toEqual(['dummy'])
    expect((await kmod.load('fat')).loaded).toEqual(['fat'])
  })

  test('what is loaded, beside what the file says', async () => {
    expect((await kmod.info('dummy')).loaded).toBeNull()
    modprobe('loop')
    const { loaded } = await kmod.info('loop')
    const names = run('ls', ['/sys/module/loop/parameters']).trim().split('\n')
    expect(Object.keys(loaded!.parameters).sort()).toEqual(names.sort())
    expect(loaded!.parameters.max_loop).toBe(
      readFileSync('/sys/module/loop/parameters/max_loop', 'utf8').trim(),
    )
  })

  test('only what the kernel itself logs is a fault', async () => {
    const text = 'BUG: this is what a process writes'
    const kmod = configured(
      `install dummy echo "<4>${text}" > /dev/kmsg; modprobe -i dummy $CMDLINE_OPTS\n`,
    )
    const report = await kmod.load('dummy')
    expect(report.messages).toContain(text)
    expect(report.clean).toBe(true)
  })

  test('the error names module_blacklist= on the kernel command line', async () => {
    expect((await kmod.info('n_hdlc')).config.blacklisted).toBe(true)
    const error = await rejection(kmod.load('n_hdlc'))
    expect(error).toMatchObject({ code: 'ERR_KMOD_PERMISSION', errnoCode: 'EPERM' })
    expect(error.message).toContain('module_blacklist= on the kernel command line names n_hdlc')
  })

  test('modules-load= on the kernel command line keeps a dependency', async () => {
    modprobe('mac802154')
    try {
      expect((await kmod.unload('mac802154')).kept).toContainEqual({
        module: 'ieee802154',
        reason: 'configured',
      })
    } finally {
      removeModules('mac802154', 'ieee802154')
    }
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

  test('soft dependencies are loaded before and after; the failure of one is ignored', async () => {
    const kmod = configured('softdep dummy pre: nosuchmodule fat post: vfat\n')
    expect((await kmod.load('dummy')).loaded).toEqual(['fat', 'dummy', 'vfat'])
  })

  test('an install command gets the parameters as words, never as shell code', async () => {
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
    const error = await rejection(kmod.load({ file }))
    expect(error).toMatchObject({
      code: 'ERR_KMOD_LOAD',
      errnoCode: 'ENOEXEC',
      syscall: 'init_module',
      loaded: [],
    })
    const { vermagic } = await kmod.info('dummy')
    const damaged = (await kmod.info({ file })).vermagic
    expect(damaged).not.toBe(vermagic)
    expect(error.message).toContain(
      `the vermagic of the file is '${damaged}', and that of the kernel is '${vermagic}'`,
    )
    expect(error.messages).toContainEqual(expect.stringContaining('version magic'))
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
    const dependent = configured('softdep kmodtest_fail_init pre: dummy\n')
    expect(await rejection(dependent.load('kmodtest_fail_init'))).toMatchObject({
      code: 'ERR_KMOD_LOAD',
      loaded: ['dummy'],
    })
    expect(
      await rejection(kmod.load('kmodtest_fail_init', { parameters: { error: 12 } })),
    ).toMatchObject({ code: 'ERR_KMOD_LOAD', errnoCode: 'ENOMEM' })
  })

  test('an unsigned module from outside the kernel adds its taints once, and is no fault', async () => {
    const { newTaints, clean } = await kmod.load('kmodtest_slow_exit', {
      parameters: { exit_ms: 0 },
    })
    expect(clean).toBe(true)
    // None, if another test loaded such a module before.
    expect(newTaints.filter((name) => !['OOT_MODULE', 'UNSIGNED_MODULE'].includes(name))).toEqual(
      [],
    )
    await kmod.remove('kmodtest_slow_exit')
    const again = await kmod.load('kmodtest_slow_exit', { parameters: { exit_ms: 0 } })
    expect(again.newTaints).toEqual([])
  })

  test('a file from another source than the loaded module', async () => {
    const file = join(temporaryFolder(), 'kmodtest_params.ko')
    copyFileSync(`${MODULE_DIRECTORY}/extra/kmodtest_params.ko`, file)
    await kmod.load('kmodtest_params')
    expect(await kmod.load({ file })).toMatchObject({ alreadyLoaded: true, loaded: [] })
    const bytes = readFileSync(file)
    const at = bytes.indexOf('srcversion=') + 'srcversion='.length
    bytes.write('0000000', at)
    writeFileSync(file, bytes)
    const error = await rejection(kmod.load({ file }))
    expect(error).toMatchObject({ code: 'ERR_KMOD_ALREADY_LOADED', module: 'kmodtest_params' })
    const { loaded } = await kmod.info('kmodtest_params')
    expect(error.message).toContain(loaded!.srcVersion)
    expect(loaded).toMatchObject({ version: '1.2.3', parameters: { number: '7' } })
  })

  test('a file whose dependency is loaded but not in the index', async () => {
    // The soft dependencies of kmodtest_params.
    removeModules('kmodtest_middle', 'kmodtest_base')
    run('insmod', [`${MODULE_DIRECTORY}/extra/kmodtest_base.ko`])
    const elsewhere = new Kmod({ moduleDirectory: '/nowhere' })
    try {
      const file = `${MODULE_DIRECTORY}/extra/kmodtest_middle.ko`
      expect((await elsewhere.load({ file })).loaded).toEqual(['kmodtest_middle'])
    } finally {
      removeModules('kmodtest_middle', 'kmodtest_base')
    }
  })

  test('an init function that hangs: ERR_KMOD_HUNG, state loading, then live when it returns', async () => {
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
