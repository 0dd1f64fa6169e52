/** A Kmod with another root, through its public methods. */
import { execFileSync, spawnSync } from 'node:child_process'
import {
  mkdirSync,
  readdirSync,
  renameSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kmod, type KmodOptions } from 'node-kmod'
import { CapturedSystem, RELEASE } from '../support/captured-system'
import { makeIndex } from '../support/index-writer'
import { makeModuleFile } from '../support/module-file'
import { rejection } from '../support/rejection'

let system: CapturedSystem
beforeEach(() => (system = new CapturedSystem()))
afterEach(() => system.remove())

const open = (options: KmodOptions = {}): Kmod => new Kmod({ root: system.root, ...options })
const TABLE = 'stp 16384 0 - Live 0x0\nllc 16384 1 stp, Live 0x0\n'

describe('the table of loaded modules', () => {
  test('is the captured one', async () => {
    system.write('proc/modules', TABLE)
    expect((await open().list()).map(({ name }) => name)).toEqual(['stp', 'llc'])
    expect(await open().holders('llc')).toEqual(['stp'])
    expect(await open().status('llc')).toBe('live')
  })

  test('that was not captured is reported', async () => {
    await expect(open().list()).rejects.toMatchObject({ code: 'ERR_KMOD_UNSUPPORTED' })
    await expect(open().holders('llc')).rejects.toMatchObject({ code: 'ERR_KMOD_UNSUPPORTED' })
  })

  test.each([
    ['cut off', TABLE.slice(0, -10)],
    ['binary', Buffer.from([0, 1, 2, 255, 10])],
    ['something else', 'Module Size Used by\n'],
    ['a table with a repeated row', TABLE + TABLE],
  ])('that is %s is a format error', async (_, content) => {
    system.write('proc/modules', content)
    await expect(open().list()).rejects.toMatchObject({ code: 'ERR_KMOD_FORMAT' })
  })

  test('with modules that use each other in a circle has no feasible plan', async () => {
    system
      .addModules()
      .write('proc/modules', 'a 1 1 b, Live 0x0\nb 1 1 a, Live 0x0\nc 1 1 c, Live 0x0\n')
    for (const names of ['a', ['a', 'b'], 'c']) {
      const plan = await open().plan(names, { holders: 'remove' })
      expect(plan.feasible).toBe(false)
      for (const { code } of plan.blockers) expect(code).toBe('ERR_KMOD_HELD')
    }
  })

  test('that is a FIFO is a format error, and is not waited for', async () => {
    mkdirSync(system.at('proc'))
    execFileSync('mkfifo', [system.at('proc/modules')])
    await expect(open().list()).rejects.toMatchObject({ code: 'ERR_KMOD_FORMAT' })
  })

  test('is not read through a link that leaves the root', async () => {
    writeFileSync(join(system.folder, 'outside'), TABLE)
    system.link('../../outside', 'proc/modules')
    await expect(open().list()).rejects.toMatchObject({ code: 'ERR_KMOD_UNSUPPORTED' })
  })

  test('is found through an absolute link, which leads inside the root', async () => {
    system.write('captured/modules', TABLE).link('/captured/modules', 'proc/modules')
    expect(await open().list()).toHaveLength(2)
  })
})

describe('the kernel release', () => {
  test('is the only folder in lib/modules', async () => {
    system.addModules()
    expect((await open().preflight()).kernel.release).toBe(RELEASE)
  })

  test('must be given as an option if lib/modules has several', async () => {
    system.addModules().addModules('lib/modules/6.2.0-other')
    expect(() => open()).toThrow(TypeError)
    expect(() => open()).toThrow(RELEASE)
    expect(await open({ kernelRelease: '6.2.0-other' }).status('dummy')).toBe('unloaded')
    expect(
      await open({ moduleDirectory: system.at(`lib/modules/${RELEASE}`) }).status('dummy'),
    ).toBe('unloaded')
  })

  test('may be unknown', async () => {
    system.write('proc/modules', TABLE)
    expect(await open().status('llc')).toBe('live')
    expect(await open().status('dummy')).toBe('unknown')
    expect(await open().resolve('dummy')).toEqual([])
  })
})

describe('the index', () => {
  beforeEach(() => system.addModules().write('proc/modules', TABLE))

  test('resolves names, aliases and symbols', async () => {
    const kmod = open()
    expect(await kmod.resolve('rtnl-link-dummy')).toEqual(['dummy'])
    expect(await kmod.resolve('dummy')).toEqual(['dummy'])
    expect(await kmod.resolve('ext4')).toEqual(['ext4'])
    expect(await kmod.resolve('nothing')).toEqual([])
    expect(await kmod.resolve('[')).toEqual([])
    expect(await kmod.status('dummy')).toBe('unloaded')
    expect(await kmod.status('ext4')).toBe('builtin')
    expect(await kmod.status('nothing')).toBe('unknown')
  })

  test('describes modules together with their files, by paths of this machine', async () => {
    expect(await open().info('dummy')).toMatchObject({
      name: 'dummy',
      builtin: false,
      path: system.at(`lib/modules/${RELEASE}/kernel/dummy.ko`),
      license: 'GPL',
      vermagic: '6.1 SMP ',
    })
    expect(await open().info('ext4')).toMatchObject({
      builtin: true,
      path: null,
      license: 'GPL',
      aliases: ['fs-ext4'],
    })
    await expect(open().info('nothing')).rejects.toMatchObject({ code: 'ERR_KMOD_NOT_FOUND' })
  })

  test('suggests the name that is most similar to a wrong one, from the text file modules.dep', async () => {
    const folder = `lib/modules/${RELEASE}`
    system.addModules()
    system.write(
      `${folder}/modules.dep`,
      'kernel/net/llc/llc.ko.xz:\nextra/snd-hda-intel.ko: kernel/net/llc/llc.ko.xz\n',
    )
    system.write(`${folder}/modules.builtin`, 'kernel/fs/ext4/ext4.ko\n')
    const advice = async (name: string): Promise<string | undefined> =>
      /Did you mean "(.*)"/.exec((await rejection(open().info(name))).message)?.[1]
    expect(await advice('llcc')).toBe('llc')
    expect(await advice('snd_hda_intl')).toBe('snd_hda_intel')
    expect(await advice('ext5')).toBe('ext4')
    expect(await advice('kernl')).toBeUndefined()
    unlinkSync(system.at(`${folder}/modules.dep`))
    execFileSync('mkfifo', [system.at(`${folder}/modules.dep`)])
    expect(await advice('snd_hda_intl')).toBeUndefined()
    // From the loaded modules.
    expect(await advice('stpp')).toBe('stp')
  })

  test('may have modules whose file was not captured', async () => {
    unlinkSync(system.at(`lib/modules/${RELEASE}/kernel/dummy.ko`))
    expect(await open().status('dummy')).toBe('unloaded')
    await expect(open().info('dummy')).rejects.toMatchObject({ code: 'ERR_KMOD_NOT_FOUND' })
  })

  test('is read again when it changes', async () => {
    const kmod = open()
    const path = system.at(`lib/modules/${RELEASE}/modules.alias.bin`)
    expect(await kmod.resolve('new-alias')).toEqual([])
    writeFileSync(path, makeIndex({ new_alias: 'llc' }))
    expect(await kmod.resolve('new-alias')).toEqual(['llc'])
    writeFileSync(`${path}.new`, makeIndex({ newer_alias: 'stp' }))
    renameSync(`${path}.new`, path) // as depmod does
    expect(await kmod.resolve('newer-alias')).toEqual(['stp'])
  })

  test.each(['modules.dep.bin', 'modules.alias.bin', 'modules.builtin.bin'])(
    'with a truncated %s is a format error, until it is replaced',
    async (name) => {
      const kmod = open()
      const path = system.at(`lib/modules/${RELEASE}/${name}`)
      truncateSync(path, 40)
      await expect(kmod.resolve('dummy')).rejects.toMatchObject({ code: 'ERR_KMOD_FORMAT' })
      await expect(kmod.status('dummy')).rejects.toMatchObject({ code: 'ERR_KMOD_FORMAT' })
      expect(await kmod.status('llc')).toBe('live')
      system.addModules()
      expect(await kmod.resolve('dummy')).toEqual(['dummy'])
    },
  )

  test('of random bytes is a format error', async () => {
    system.write(`lib/modules/${RELEASE}/modules.alias.bin`, Buffer.alloc(5000, 0xa5))
    await expect(open().resolve('dummy')).rejects.toMatchObject({ code: 'ERR_KMOD_FORMAT' })
  })

  test('is found through absolute links, which lead inside the root', async () => {
    const other = new CapturedSystem()
    try {
      other.addModules('store/modules')
      other.link('/store', 'lib').link('/modules/linked', 'store/modules/alias-of-it')
      const kmod = new Kmod({ root: other.root, moduleDirectory: '/lib/modules' })
      expect(await kmod.resolve('rtnl-link-dummy')).toEqual(['dummy'])
    } finally {
      other.remove()
    }
  })

  test('is not read through links that leave the root', async () => {
    const outside = new CapturedSystem()
    try {
      outside.addModules()
      const theirs = outside.at(`lib/modules/${RELEASE}`)
      const ours = `lib/modules/${RELEASE}`
      unlinkSync(system.at(`${ours}/modules.alias.bin`))
      unlinkSync(system.at(`${ours}/kernel/dummy.ko`))
      system.link(`${theirs}/modules.alias.bin`, `${ours}/modules.alias.bin`)
      system.link(`${theirs}/kernel/dummy.ko`, `${ours}/kernel/dummy.ko`)
      expect(await open().resolve('rtnl-link-dummy')).toEqual([])
      await expect(open().info('dummy')).rejects.toMatchObject({ code: 'ERR_KMOD_NOT_FOUND' })
    } finally {
      outside.remove()
    }
  })
})

describe('the configuration', () => {
  beforeEach(() => system.addModules())
  const options = async (kmod: Kmod): Promise<string | null> =>
    (await kmod.info('dummy')).config.options

  test('is below the root; of files with the same name, the one in the first folder counts', async () => {
    system
      .write('lib/modprobe.d/a.conf', 'options dummy from=lib\n')
      .write('etc/modprobe.d/a.conf', 'options dummy from=etc\n')
      .write('run/modprobe.d/b.conf', 'options dummy more=run\ninstall dummy /bin/true\n')
      .write('etc/modprobe.d/ignored.txt', 'options dummy no=1\n')
      .write('etc/modprobe.d/.hidden.conf', 'options dummy no=2\n')
      .write('etc/modprobe.d/z.conf', 'blacklist dummy\nremove dummy /bin/false # text\nnonsense\n')
    expect((await open().info('dummy')).config).toEqual({
      options: 'from=etc more=run',
      installCommand: '/bin/true',
      removeCommand: '/bin/false # text',
      blacklisted: true,
    })
  })

  test('is read again when it changes, also if a file is edited in place', async () => {
    const kmod = open()
    expect(await options(kmod)).toBeNull()
    system.write('etc/modprobe.d/a.conf', 'options dummy a=1\n')
    expect(await options(kmod)).toBe('a=1')
    system.write('etc/modprobe.d/a.conf', 'options dummy a=2\n')
    expect(await options(kmod)).toBe('a=2')
    unlinkSync(system.at('etc/modprobe.d/a.conf'))
    expect(await options(kmod)).toBeNull()
  })

  test('is read through absolute links, but never outside the root', async () => {
    const outside = join(system.folder, 'outside.conf')
    writeFileSync(outside, 'options dummy hostile=1\n')
    system
      .write('usr/share/good.conf', 'options dummy good=1\n')
      .link('/usr/share/good.conf', 'etc/modprobe.d/a.conf')
      .link(outside, 'etc/modprobe.d/b.conf')
      .link('../../../outside.conf', 'etc/modprobe.d/c.conf')
      .link('d.conf', 'etc/modprobe.d/d.conf')
    expect(await options(open())).toBe('good=1')
  })

  test('is not read from a folder of this machine to which a link leads', async () => {
    mkdirSync(join(system.folder, 'modprobe.d'))
    writeFileSync(join(system.folder, 'modprobe.d', 'a.conf'), 'options dummy hostile=1\n')
    system.link(join(system.folder, 'modprobe.d'), 'etc/modprobe.d')
    expect(await options(open())).toBeNull()
  })

  test('can be given as folders and files, with or without the root in their paths', async () => {
    system
      .write('etc/modprobe.d/a.conf', 'options dummy usual=1\n')
      .write('other/b.conf', 'options dummy other=1\n')
      .write('single', 'options dummy single=1\n')
    const configPaths = [system.at('other'), '/single']
    expect(await options(open({ configPaths }))).toBe('other=1 single=1')
    expect(await options(open({ configPaths: [] }))).toBeNull()
  })
})

describe('a module file', () => {
  test('that is not installed is described', async () => {
    const file = join(system.folder, 'own-name.ko')
    writeFileSync(file, makeModuleFile({ name: 'real_name', license: 'MIT' }))
    expect(await new Kmod().info({ file })).toMatchObject({
      name: 'real_name',
      path: file,
      license: 'MIT',
      builtin: false,
    })
  })

  test.each([
    ['empty', Buffer.alloc(0)],
    ['text', Buffer.from('#!/bin/sh\n')],
    ['cut off', makeModuleFile({ license: 'GPL' }).subarray(0, 150)],
    ['without module information', makeModuleFile({})],
    // With e_shstrndx 0, an assertion of libkmod 30 ends its process.
    ['damaged in its header', damaged(62, 0)],
    ['damaged in its section table', damaged(60, 0xffff)],
    ['damaged in its section size', damaged(58, 1)],
  ])('that is %s is a format error, and the next call works', async (_, content) => {
    const file = join(system.folder, 'bad.ko')
    writeFileSync(file, content)
    const kmod = new Kmod()
    await expect(kmod.info({ file })).rejects.toMatchObject({ code: 'ERR_KMOD_FORMAT' })
    writeFileSync(file, makeModuleFile({ license: 'GPL' }))
    expect(await kmod.info({ file })).toMatchObject({ license: 'GPL' })
  })

  test('that is missing, a folder or a device is reported', async () => {
    const kmod = new Kmod()
    await expect(kmod.info({ file: '/nowhere/x.ko' })).rejects.toMatchObject({
      code: 'ERR_KMOD_NOT_FOUND',
    })
    await expect(kmod.info({ file: '/etc' })).rejects.toMatchObject({ code: 'ERR_KMOD_FORMAT' })
    await expect(kmod.info({ file: '/dev/zero' })).rejects.toMatchObject({
      code: 'ERR_KMOD_FORMAT',
    })
  })

  test('that crashes libkmod does not affect the answers about other files', async () => {
    const bad = join(system.folder, 'bad.ko')
    const good = join(system.folder, 'good.ko')
    writeFileSync(bad, damaged(62, 0))
    writeFileSync(good, makeModuleFile({ license: 'GPL' }))
    const kmod = new Kmod()
    const files = Array.from({ length: 20 }, (_, i) => (i % 5 === 0 ? bad : good))
    const results = await Promise.allSettled(files.map((file) => kmod.info({ file })))
    expect(results.map(({ status }) => status)).toEqual(
      files.map((file) => (file === bad ? 'rejected' : 'fulfilled')),
    )
  })
})

function damaged(offset: number, value: number): Buffer {
  const bytes = Buffer.from(makeModuleFile({ license: 'GPL' }))
  bytes.writeUInt16LE(value, offset)
  return bytes
}

test('nothing can be changed under another root', async () => {
  system.addModules().write('proc/modules', TABLE)
  await expect(open().remove('stp')).rejects.toMatchObject({ code: 'ERR_KMOD_READ_ONLY' })
  await expect(open().load('dummy')).rejects.toMatchObject({ code: 'ERR_KMOD_READ_ONLY' })
  expect(await open().preflight()).toMatchObject({
    canUnload: false,
    canForce: false,
    problems: [{ code: 'ERR_KMOD_READ_ONLY' }],
  })
})

test('libkmod prints nothing to stderr about malformed files', () => {
  system
    .addModules()
    .write('etc/modprobe.d/a.conf', 'nonsense here\noptions\n')
    .write('bad.ko', 'bad')
  const script = `
    const { Kmod } = require('node-kmod')
    const kmod = new Kmod({ root: process.argv[1] })
    kmod.info('dummy').then(({ license }) => kmod.info({ file: '/bad.ko' })
      .catch(({ code }) => console.log(license, code)))`
  const { stdout, stderr } = spawnSync(process.execPath, ['-e', script, system.root], {
    encoding: 'utf8',
    cwd: join(__dirname, '..', '..'),
    env: { ...process.env, KMOD_LOG: 'debug' },
  })
  expect(stderr).toBe('')
  expect(stdout).toBe('GPL ERR_KMOD_FORMAT\n')
})

test('the mirror is deleted when the process ends', () => {
  system.addModules()
  const mine = join(system.folder, 'tmp')
  mkdirSync(mine)
  const script = `
    const { Kmod } = require('node-kmod')
    const { readdirSync } = require('fs')
    new Kmod({ root: process.argv[1] }).resolve('dummy')
      .then(() => console.log(readdirSync(process.env.TMPDIR).length))`
  const { stdout } = spawnSync(process.execPath, ['-e', script, system.root], {
    encoding: 'utf8',
    cwd: join(__dirname, '..', '..'),
    env: { ...process.env, TMPDIR: mine },
  })
  expect(stdout).toBe('1\n')
  expect(readdirSync(mine)).toEqual([])
  expect(tmpdir()).not.toBe(mine)
})
