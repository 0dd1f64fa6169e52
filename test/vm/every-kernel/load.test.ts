import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { kmod, Kmod } from 'node-kmod'
import {
  cleanUp,
  describeWithTestModules,
  isInKernel,
  isState,
  lsmod,
  modprobe,
  MODULE_DIRECTORY,
  rejection,
  run,
  setParameter,
  until,
} from '../support'

const CONFIG = '/tmp/load-test.conf'
afterEach(() => rmSync(CONFIG, { force: true }))

/** A Kmod whose modprobe.d is one file with this text. */
function configured(text: string): Kmod {
  writeFileSync(CONFIG, text)
  return new Kmod({ configPaths: [CONFIG] })
}

describe('on every kernel', () => {
  afterEach(() => cleanUp('br_netfilter', 'bridge', 'stp', 'llc', 'dummy', 'vfat', 'fat'))

  test('what came in is what modprobe would have loaded, in order', async () => {
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

  test('an alias, and what is loaded already', async () => {
    expect(await kmod.load('rtnl-link-dummy')).toMatchObject({ module: 'dummy', loaded: ['dummy'] })
    expect(await kmod.load('dummy')).toMatchObject({ alreadyLoaded: true, loaded: [] })
    expect(await rejection(kmod.load('dummy', { mustBeNew: true }))).toMatchObject({
      code: 'ERR_KMOD_ALREADY_LOADED',
    })
    expect(await rejection(kmod.load('dummy', { parameters: { numdummies: 2 } }))).toMatchObject({
      code: 'ERR_KMOD_ALREADY_LOADED',
    })
  })

  test('parameters reach the module', async () => {
    await kmod.load('dummy', { parameters: { numdummies: 3 } })
    expect(run('ip', ['-br', 'link']).match(/^dummy\d/gm)).toHaveLength(3)
  })

  test('unknown, and a parameter that it does not take', async () => {
    expect(await rejection(kmod.load('nosuchmodule'))).toMatchObject({ code: 'ERR_KMOD_NOT_FOUND' })
    await expect(kmod.load('dummy', { parameters: { numdummy: 1 } })).rejects.toMatchObject({
      code: 'ERR_INVALID_ARG_VALUE',
      message: expect.stringMatching(
        /declares \(numdummies\).*Did you mean "numdummies"/,
      ) as string,
    })
    expect(isInKernel('dummy')).toBe(false)
    await kmod.load('dummy', { parameters: { numdummies: 1, async_probe: false } })
  })

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

  test('a name of the index is the module, whatever alias modprobe.d has for it', async () => {
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

  test('module_blacklist= on the kernel command line is told as such', async () => {
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
      cleanUp('mac802154', 'ieee802154')
    }
  })

  test('modprobe.d: options, and those of the caller after them', async () => {
    await configured('options dummy numdummies=2\n').load('dummy')
    expect(run('ip', ['-br', 'link']).match(/^dummy\d/gm)).toHaveLength(2)
    cleanUp('dummy')
    await configured('options dummy numdummies=2\n').load('dummy', {
      parameters: { numdummies: 1 },
    })
    expect(run('ip', ['-br', 'link']).match(/^dummy\d/gm)).toHaveLength(1)
  })

  test('modprobe.d: a soft dependency comes first, one that fails does no harm', async () => {
    const kmod = configured('softdep dummy pre: nosuchmodule fat post: vfat\n')
    expect((await kmod.load('dummy')).loaded).toEqual(['fat', 'dummy', 'vfat'])
  })

  test('modprobe.d: install commands, with the options as words and never as shell text', async () => {
    const kmod = configured(
      'install dummy printf "%s|" $CMDLINE_OPTS > /tmp/install-ran; modprobe -i dummy $CMDLINE_OPTS\n',
    )
    const parameters = { numdummies: 1, note: '$(touch /tmp/injected);`touch /tmp/injected`' }
    expect((await kmod.load('dummy', { parameters })).loaded).toEqual(['dummy'])
    expect(readFileSync('/tmp/install-ran', 'utf8')).toContain('numdummies=1|')
    expect(() => readFileSync('/tmp/injected')).toThrow('ENOENT')
  })

  test('modprobe.d: an install command that fails, or does nothing', async () => {
    const failed = await rejection(
      configured('install dummy echo sorry >&2; exit 3\n').load('dummy'),
    )
    expect(failed).toMatchObject({ code: 'ERR_KMOD_LOAD', module: 'dummy' })
    expect(failed.message).toMatch(/status 3.*sorry/s)
    const idle = await rejection(configured('install dummy /bin/true\n').load('dummy'))
    expect(idle).toMatchObject({ code: 'ERR_KMOD_LOAD', module: 'dummy' })
    expect(isInKernel('dummy')).toBe(false)
  })

  test('modprobe.d: a blacklist counts for aliases, not for names', async () => {
    const kmod = configured('blacklist dummy\n')
    expect(await rejection(kmod.load('rtnl-link-dummy'))).toMatchObject({ code: 'ERR_KMOD_LOAD' })
    await kmod.load('dummy')
    expect(isInKernel('dummy')).toBe(true)
  })

  test('a file, after what it depends on', async () => {
    const file = '/tmp/copied-module.ko'
    const { path } = await kmod.info('stp')
    run('sh', ['-c', `case ${path} in *.xz) xz -dc ${path};; *) cat ${path};; esac > ${file}`])
    expect(await kmod.load({ file })).toMatchObject({
      module: 'stp',
      loaded: ['llc', 'stp'],
      alreadyLoaded: false,
    })
    expect(await kmod.load({ file })).toMatchObject({ alreadyLoaded: true })
    rmSync(file)
    expect(await rejection(kmod.load({ file }))).toMatchObject({ code: 'ERR_KMOD_NOT_FOUND' })
  })

  test('a file that is no module, or damaged', async () => {
    writeFileSync('/tmp/text.ko', 'text')
    expect(await rejection(kmod.load({ file: '/tmp/text.ko' }))).toMatchObject({
      code: 'ERR_KMOD_FORMAT',
    })
    const { path } = await kmod.info('dummy')
    run('sh', [
      '-c',
      `case ${path} in *.xz) xz -dc ${path};; *) cat ${path};; esac > /tmp/dummy.ko`,
    ])
    const signed = readFileSync('/tmp/dummy.ko')
    // Without its signature, and with the vermagic of a kernel for one processor.
    const bytes = signed.subarray(0, signed.indexOf('~Module signature appended~'))
    bytes.write('one', bytes.indexOf(' SMP', bytes.indexOf('vermagic=')) + 1)
    writeFileSync('/tmp/dummy.ko', bytes)
    const error = await rejection(kmod.load({ file: '/tmp/dummy.ko' }))
    expect(error).toMatchObject({
      code: 'ERR_KMOD_LOAD',
      errnoCode: 'ENOEXEC',
      syscall: 'init_module',
      loaded: [],
    })
    const { vermagic } = await kmod.info('dummy')
    const damaged = (await kmod.info({ file: '/tmp/dummy.ko' })).vermagic
    expect(damaged).not.toBe(vermagic)
    expect(error.message).toContain(
      `the vermagic of the file is '${damaged}', and that of the kernel is '${vermagic}'`,
    )
    expect(error.messages).toContainEqual(expect.stringContaining('version magic'))
    expect(isInKernel('dummy')).toBe(false)
  })
})

describeWithTestModules('modules with bad manners', () => {
  afterEach(() => cleanUp('kmodtest_params', 'kmodtest_hang_init', 'kmodtest_slow_exit', 'dummy'))

  test('every kind of parameter arrives as it was given', async () => {
    await kmod.load('kmodtest_params', {
      parameters: { number: -5, text: 'two words', flag: true, list: [1, 2, 3] },
    })
    const read = (name: string): string =>
      readFileSync(`/sys/module/kmodtest_params/parameters/${name}`, 'utf8').trim()
    expect(['number', 'text', 'flag', 'list'].map(read)).toEqual(['-5', 'two words', 'Y', '1,2,3'])
  })

  test("an init function that fails: the kernel's number, and the log", async () => {
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

  test('an out-of-tree module taints the kernel once, by name', async () => {
    const { newTaints, clean } = await kmod.load('kmodtest_slow_exit')
    expect(clean).toBe(true)
    expect(newTaints.filter((name) => !['OOT_MODULE', 'UNSIGNED_MODULE'].includes(name))).toEqual(
      [],
    )
    setParameter('kmodtest_slow_exit', 'exit_ms', '0')
    await kmod.remove('kmodtest_slow_exit')
    expect((await kmod.load('kmodtest_slow_exit')).newTaints).toEqual([])
    setParameter('kmodtest_slow_exit', 'exit_ms', '0')
  })

  test('a file of another source than the loaded module', async () => {
    const file = '/tmp/kmodtest_params.ko'
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

  test('a file whose dependency is loaded and in no index', async () => {
    // The soft dependencies of kmodtest_params.
    cleanUp('kmodtest_middle', 'kmodtest_base')
    run('insmod', [`${MODULE_DIRECTORY}/extra/kmodtest_base.ko`])
    const elsewhere = new Kmod({ moduleDirectory: '/nowhere' })
    try {
      const file = `${MODULE_DIRECTORY}/extra/kmodtest_middle.ko`
      expect((await elsewhere.load({ file })).loaded).toEqual(['kmodtest_middle'])
    } finally {
      cleanUp('kmodtest_middle', 'kmodtest_base')
    }
  })

  test('a hanging init: ERR_KMOD_HUNG, state loading, and then live', async () => {
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
    setParameter('kmodtest_hang_init', 'release', '1')
    await until('it is live', () => isState('kmodtest_hang_init', 'Live'))
    expect(await kmod.isLoaded('kmodtest_hang_init')).toBe(true)
  })

  test('an install command that hangs is ended', async () => {
    const kmod = configured('install dummy sleep 1000\n')
    const error = await rejection(kmod.load('dummy', { hungAfter: 500 }))
    expect(error).toMatchObject({ code: 'ERR_KMOD_LOAD', module: 'dummy' })
    await until('its sleep is gone', () => !run('ps', ['-e', '-o', 'args']).includes('sleep 1000'))
  })

  test('a module of a folder of its own, by its index', async () => {
    const folder = '/tmp/modules-of-its-own'
    mkdirSync(`${folder}/lib/modules/1.2.3`, { recursive: true })
    copyFileSync(
      `${MODULE_DIRECTORY}/extra/kmodtest_params.ko`,
      `${folder}/lib/modules/1.2.3/kmodtest_params.ko`,
    )
    execFileSync('depmod', ['-b', folder, '1.2.3'], { stdio: 'ignore' })
    const own = new Kmod({ moduleDirectory: `${folder}/lib/modules/1.2.3` })
    expect((await own.info('kmodtest_params')).path).toBe(
      `${folder}/lib/modules/1.2.3/kmodtest_params.ko`,
    )
    expect((await own.load('kmodtest_params')).loaded).toEqual(['kmodtest_params'])
    expect(await own.status('dummy')).toBe('unknown')
    modprobe('dummy')
    expect(await own.status('dummy')).toBe('live')
  })
})
