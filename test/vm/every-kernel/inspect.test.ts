/** What list, find, holders, status, resolve, info and preflight say, compared with Debian's tools. */
import { existsSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import * as api from 'node-kmod'
import { Kmod, kmod } from 'node-kmod'
import {
  attempt,
  describeWithTestModules,
  isInKernel,
  lsmod,
  modprobe,
  MODULE_DIRECTORY,
  RELEASE,
  rejection,
  run,
  temporaryFolder,
} from '../support'

beforeAll(() => modprobe('-a', 'bridge', 'br_netfilter', 'dummy', 'sctp'))

describe('list', () => {
  test('has the modules of lsmod, in the same order', async () => {
    const modules = await kmod.list()
    const oracle = lsmod()
    expect(modules.map(({ name }) => name)).toEqual(oracle.map(({ name }) => name))
    for (const row of oracle) {
      const module = modules.find(({ name }) => name === row.name)!
      expect(module).toMatchObject({ refCount: row.count, state: 'live' })
      expect([...module.holders].sort()).toEqual([...row.users].sort())
    }
  })

  test('has the sizes and taint letters of /proc/modules', async () => {
    const rows = readFileSync('/proc/modules', 'utf8').trimEnd().split('\n')
    const modules = await kmod.list()
    expect(modules).toHaveLength(rows.length)
    rows.forEach((row, i) => {
      const [name, size, , , , , taints] = row.split(' ')
      expect(modules[i]).toMatchObject({
        name,
        size: Number(size),
        taints: taints?.replace(/[()]/g, '') ?? '',
      })
    })
  })
})

test('find returns one element of list', async () => {
  expect(await kmod.find('br-netfilter')).toEqual(
    (await kmod.list()).find(({ name }) => name === 'br_netfilter'),
  )
  expect(await kmod.find('nosuchmodule')).toBeUndefined()
})

test('holders returns what /sys/module/NAME/holders has', async () => {
  for (const { name } of lsmod()) {
    expect((await kmod.holders(name)).sort()).toEqual(
      readdirSync(`/sys/module/${name}/holders`).sort(),
    )
  }
  expect(await rejection(kmod.holders('nosuchmodule'))).toMatchObject({
    code: 'ERR_KMOD_NOT_FOUND',
  })
  expect(await rejection(kmod.holders('vfat'))).toMatchObject({ code: 'ERR_KMOD_NOT_LOADED' })
})

/** Built-in modules according to the kernel package. */
const builtins = readFileSync(`${MODULE_DIRECTORY}/modules.builtin`, 'utf8')
  .trimEnd()
  .split('\n')
  .map((path) => path.replace(/^.*\//, '').replace(/\.ko$/, '').replaceAll('-', '_'))

describe('status', () => {
  test('distinguishes loaded, unloaded, built-in and unknown modules', async () => {
    expect(await kmod.status('dummy')).toBe('live')
    expect(await kmod.isLoaded('dummy')).toBe(true)
    expect(await kmod.status('vfat')).toBe('unloaded')
    expect(await kmod.status('nosuchmodule')).toBe('unknown')
    for (const name of builtins.filter((_, i) => i % 40 === 0)) {
      expect([name, await kmod.status(name)]).toEqual([name, 'builtin'])
      expect(await kmod.isLoaded(name)).toBe(false)
      expect(await kmod.isBuiltin(name)).toBe(true)
    }
    expect(await kmod.isBuiltin('dummy')).toBe(false)
  })

  const withoutInitstate = readdirSync('/sys/module', { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !isInKernel(entry.name))
    .map(({ name }) => name)

  test('recognizes built-in modules without any index', async () => {
    const bare = new Kmod({ moduleDirectory: '/nowhere' })
    expect(withoutInitstate.length).toBeGreaterThan(10)
    for (const name of withoutInitstate.slice(0, 20)) {
      expect([name, await bare.status(name)]).toEqual([name, 'builtin'])
      expect(await rejection(bare.holders(name))).toMatchObject({ code: 'ERR_KMOD_BUILTIN' })
    }
    expect(await bare.status('dummy')).toBe('live')
    expect(await bare.status('vfat')).toBe('unknown')
    expect(await bare.holders('llc')).toContain('bridge')
    expect(await rejection(bare.holders('vfat'))).toMatchObject({ code: 'ERR_KMOD_NOT_LOADED' })
  })

  test('recognizes built-in modules before depmod has run', async () => {
    // A kernel package contains the modules and the list of built-in ones; depmod adds the rest.
    const folder = temporaryFolder()
    for (const name of ['kernel', 'modules.builtin', 'modules.builtin.modinfo']) {
      symlinkSync(`${MODULE_DIRECTORY}/${name}`, join(folder, name))
    }
    const fresh = new Kmod({ moduleDirectory: folder })
    const hidden = builtins.filter((name) => !existsSync(`/sys/module/${name}`))
    for (const name of hidden.filter((_, i) => i % 40 === 0)) {
      expect([name, await fresh.status(name)]).toEqual([name, 'builtin'])
      expect(await fresh.info(name)).toMatchObject({ name, builtin: true })
    }
    expect(await fresh.status('nosuchmodule')).toBe('unknown')
  })
})

describe('resolve', () => {
  test.each([
    'dummy',
    'snd-hda-intel',
    'rtnl-link-bridge',
    'fs-vfat',
    'net-pf-10',
    'symbol:br_forward',
    'pci:v00008086d000010D3sv00008086sd0000A01Fbc02sc00i00',
    'crypto-aes',
    'char-major-10-200',
    'nosuchmodule',
    'no such alias',
  ])('%s gives what modprobe -R prints', async (alias) => {
    const { status, output } = attempt('modprobe', ['-R', alias])
    const oracle = status === 0 ? output.trimEnd().split('\n') : []
    expect(await kmod.resolve(alias)).toEqual(oracle)
  })

  test('of a malformed pattern gives nothing', async () => {
    expect(await kmod.resolve('a[b')).toEqual([])
    expect(await kmod.resolve('x]')).toEqual([])
  })
})

describe('info', () => {
  /** What modinfo prints, without the fields that it adds itself. -0: a NUL after each field. */
  const modinfo = (name: string): { key: string; value: string }[] =>
    run('modinfo', ['-0', name])
      .split('\0')
      .slice(0, -1)
      .filter((line) => !/^(file)?name: {2}/.test(line))
      .map((line) => /^(parm):\s+([^]*)$/.exec(line) ?? /^([^=]*)=([^]*)$/.exec(line)!)
      .map(([, key = '', value = '']) => ({ key, value }))

  test.each([
    'dummy',
    'bridge',
    'snd-hda-intel',
    'e1000',
    'vfat',
    'nf_tables',
    'usb-storage',
    'loop',
  ])('of %s has what modinfo prints', async (name) => {
    const info = await kmod.info(name)
    const rest = modinfo(name)
    expect(info.path).toBe(run('modinfo', ['-n', name]).trim())
    // modinfo prints the parameters last, and type and description as one field.
    const isParameter = ({ key }: { key: string }): boolean => /^parm(type)?$/.test(key)
    expect(info.fields.filter((field) => !isParameter(field))).toEqual(
      rest.filter((field) => !isParameter(field)),
    )
    const oracleParameters = rest.filter(isParameter).map(({ value }) => value)
    const ours = info.parameters.map(
      ({ name, type, description }) =>
        `${name}:${description ?? ''}${type === null ? '' : ` (${type})`}`,
    )
    const squeeze = (texts: string[]): string[] =>
      texts.map((text) => text.replace(/:\s*\(/, ':(').replace(/\s+\(/, ' (')).sort()
    expect(squeeze(ours)).toEqual(squeeze(oracleParameters))
    expect(info.vermagic).toBe(run('modinfo', ['-F', 'vermagic', name]).slice(0, -1))
    expect(info.depends).toEqual(
      run('modinfo', ['-F', 'depends', name]).trim().split(',').filter(Boolean),
    )
  })

  test('of built-in modules has all fields of modules.builtin.modinfo', async () => {
    const strings = readFileSync(`${MODULE_DIRECTORY}/modules.builtin.modinfo`, 'utf8').split('\0')
    const plain = <T extends { key: string }>(fields: T[]): T[] =>
      fields.filter(({ key }) => !/^parm(type)?$/.test(key))
    for (const name of builtins.filter((_, i) => i % 60 === 0)) {
      const info = await kmod.info(name)
      expect(info).toMatchObject({ name, builtin: true, path: null })
      // On 7.x modinfo prints only the first ones: there the strings of a module are not adjacent, and
      // libkmod stops at the first string of another module.
      const oracle = plain(modinfo(name))
      expect([name, plain(info.fields).slice(0, oracle.length)]).toEqual([name, oracle])
      const raw = strings.filter((text) => text.split('.')[0]!.replaceAll('-', '_') === name)
      expect(info.fields.map(({ key, value }) => `${key}=${value}`)).toEqual(
        raw.map((text) => text.slice(text.indexOf('.') + 1)),
      )
    }
  })

  test('of a module file equals that of the module', async () => {
    const { path, ...byName } = await kmod.info('dummy')
    const { path: file, ...byFile } = await kmod.info({ file: path! })
    expect(file).toBe(path)
    expect(byFile).toEqual(byName)
  })

  test('of an unknown module rejects with ERR_KMOD_NOT_FOUND', async () => {
    expect(await rejection(kmod.info('nosuchmodule'))).toMatchObject({ code: 'ERR_KMOD_NOT_FOUND' })
  })
})

test('the error for a wrong name has the most similar name in the index, or says that it is a file', async () => {
  const nearest = [
    [kmod.info('dumy'), 'dummy'],
    [kmod.holders('br-netfliter'), 'br_netfilter'],
    [kmod.explain('nf_tabels'), 'nf_tables'],
    [kmod.load('vfatt'), 'vfat'],
  ] as const
  for (const [call, name] of nearest) {
    const error = await rejection(call)
    expect(error.code).toBe('ERR_KMOD_NOT_FOUND')
    expect(error.message).toContain(`Did you mean "${name}"?`)
    expect(run('modinfo', ['-F', 'name', name]).trim()).toBe(name)
  }
  const [blocker] = (await kmod.plan('dummy.ko')).blockers
  expect(blocker!.message).toContain('here "dummy"')
})

test('preflight finds no problem for root', async () => {
  expect(await kmod.preflight()).toEqual({
    canUnload: true,
    canForce: true,
    problems: [],
    kernel: {
      release: RELEASE,
      modules: true,
      unload: true,
      forceUnload: true,
      modulesDisabled: false,
      lockdown: 'none',
    },
    capability: true,
    libkmod: expect.stringContaining('libkmod.so.2') as string,
  })
})

test('the methods are also exported by name', async () => {
  const { list, find, status } = api
  expect((await list()).length).toBeGreaterThan(5)
  expect(await find('dummy')).toBeDefined()
  expect(await status('dummy')).toBe('live')
})

test('the status of each module of the index agrees with /sys', async () => {
  const names = readFileSync(`${MODULE_DIRECTORY}/modules.dep`, 'utf8')
    .split('\n')
    .map((line) =>
      line
        .replace(/:.*/, '')
        .replace(/^.*\//, '')
        .replace(/\.ko.*$/, '')
        .replaceAll('-', '_'),
    )
    .filter((name, i) => name !== '' && !name.includes('.') && i % 100 === 0)
  for (const name of names) {
    expect([name, await kmod.status(name)]).toEqual([name, isInKernel(name) ? 'live' : 'unloaded'])
  }
})

describeWithTestModules('a module whose name contains a dot', () => {
  test('is listed, but the calls that take a name reject it', async () => {
    run('insmod', [`${MODULE_DIRECTORY}/extra/kmodtest_params.dotted.ko`])
    // lsmod cannot be the oracle: it prints the name only up to the dot.
    const rows = readFileSync('/proc/modules', 'utf8').trimEnd().split('\n')
    const names = (await kmod.list()).map(({ name }) => name)
    expect(names).toEqual(rows.map((row) => row.split(' ')[0]))
    expect(names).toContain('kmodtest_params.dotted')
    expect(await rejection(kmod.find('kmodtest_params.dotted'))).toMatchObject({
      code: 'ERR_INVALID_ARG_VALUE',
    })
  })

  test('does not make remove take the module with the name before the dot', async () => {
    modprobe('kmodtest_params')
    expect(await rejection(kmod.remove('kmodtest_params.dotted'))).toMatchObject({
      code: 'ERR_INVALID_ARG_VALUE',
    })
    expect(isInKernel('kmodtest_params')).toBe(true)
  })
})
