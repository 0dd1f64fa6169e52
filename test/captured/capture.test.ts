/** A capture of a captured laptop: the copy gives the same answers, and has nothing else. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { Kmod } from 'node-kmod'
import { CapturedSystem, RELEASE } from '../support/captured-system'
import { fillLaptop } from '../support/laptop'
import { rejection } from '../support/rejection'

jest.setTimeout(120_000)

let system: CapturedSystem
let source: Kmod
let copy: string
beforeEach(() => {
  system = fillLaptop(new CapturedSystem())
    .write('etc/modprobe.d/own.conf', 'softdep bridge pre: tun\nremove zram /bin/true\n')
    .write('usr/lib/modules-load.d/vm.conf', 'kvm\n')
    .write(
      'proc/cmdline',
      'root=/dev/sda1 secret=hunter2 module_blacklist=floppy modules-load=veth\n',
    )
    .write('proc/812/environ', 'PASSWORD=hunter2\0')
    .write('proc/812/cmdline', 'openvpn\0--password\0hunter2\0')
    .write('home/anna/hunter2', 'hunter2')
  source = new Kmod({ root: system.root })
  copy = join(system.folder, 'copy')
})
afterEach(() => system.remove())

const files = (): string[] =>
  readdirSync(copy, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))

/** Without the folder of the root, which differs. */
async function informationOf(kmod: Kmod, name: string): Promise<unknown> {
  const { path, ...information } = await kmod.info(name)
  return { ...information, path: path?.replace(/^.*(?=\/lib\/modules\/)/, '') }
}

async function answers(kmod: Kmod): Promise<unknown> {
  const modules = await kmod.list()
  // Of all kinds: in use, with a command, with soft dependencies, in a list of modules to load, free.
  const names = ['tun', 'zram', 'bridge', 'kvm', 'nvme', 'ext4', 'snd', 'veth', 'loop', 'usbcore']
  const { kernel, libkmod } = await kmod.preflight()
  return {
    modules,
    preflight: { kernel, libkmod },
    statuses: await Promise.all([...names, 'tmpfs', 'floppy'].map((name) => kmod.status(name))),
    explained: await Promise.all(names.map((name) => kmod.explain(name))),
    releases: await kmod.plan(['nvme', 'ext4', 'loop'], {
      ...{ release: ['mount', 'swap', 'block', 'process', 'service'], holders: 'remove' },
    }),
    plans: await Promise.all(names.map((name) => kmod.plan(name, { commands: 'run' }))),
    information: await Promise.all(names.map((name) => informationOf(kmod, name))),
    effects: await kmod.impact(names),
    aliases: await Promise.all(['fs-ext4', 'rtnl-link-tun'].map((alias) => kmod.resolve(alias))),
    graph: await kmod.graph(undefined, { users: true }),
  }
}

test('the copy gives the same answers', async () => {
  const report = await source.capture(copy)
  expect(await answers(new Kmod({ root: copy }))).toEqual(await answers(source))
  // The answers depend on what the test wrote.
  const { kept } = await new Kmod({ root: copy }).plan('kvm_intel', { guard: 'off', force: true })
  expect(kept).toContainEqual({ module: 'kvm', reason: 'configured' })
  const { edges } = await new Kmod({ root: copy }).graph('bridge')
  expect(edges).not.toContainEqual(expect.objectContaining({ kind: 'soft' }))
  expect((await new Kmod({ root: copy }).graph()).edges).toContainEqual({
    from: 'bridge',
    to: 'tun',
    kind: 'soft',
  })
  expect(report.unreadable).toEqual((await source.explain('bridge')).unreadable)
})

test('a copy of a copy is the same', async () => {
  const first = await source.capture(copy)
  const again = join(system.folder, 'again')
  expect(await new Kmod({ root: copy }).capture(again)).toEqual(first)
})

test('it counts what it wrote, for its owner only', async () => {
  const { files: count, bytes } = await source.capture(copy)
  const all = readdirSync(copy, { recursive: true, withFileTypes: true })
  expect(all.filter((entry) => !entry.isDirectory())).toHaveLength(count)
  expect(files().reduce((sum, path) => sum + statSync(path).size, 0)).toBe(bytes)
  expect(statSync(copy).mode & 0o7777).toBe(0o700)
  for (const path of files()) expect(statSync(path).mode & 0o077).toBe(0)
})

test('it has no environments, command lines of processes, files of users or addresses', async () => {
  system.write(
    'proc/modules',
    readFileSync(system.at('proc/modules'), 'utf8').replaceAll(
      '0x0000000000000000',
      '0xffffffffc0123456',
    ),
  )
  await source.capture(copy)
  expect(readFileSync(join(copy, 'proc/cmdline'), 'utf8')).toBe(
    'module_blacklist=floppy modules-load=veth\n',
  )
  for (const path of files()) {
    const text = readFileSync(path, 'latin1')
    expect({ path, has: /hunter2|c0123456/.test(text) }).toEqual({ path, has: false })
  }
  for (const path of ['proc/812/environ', 'proc/812/cmdline', 'home']) {
    expect(existsSync(join(copy, path))).toBe(false)
  }
  expect(await new Kmod({ root: copy }).list()).toEqual(await source.list())
})

test('without users it is smaller, and says what is left out', async () => {
  await source.capture(copy, { users: false })
  expect(existsSync(join(copy, 'proc/crypto'))).toBe(false)
  const captured = new Kmod({ root: copy })
  const names = ['bridge', 'e1000e', 'nvme']
  expect(await captured.impact(names)).toEqual(await source.impact(names))
  expect((await captured.explain('tun')).unreadable).toContain(
    'what only uses modules: the system was captured without users',
  )
})

test('a folder must be absent or empty', async () => {
  mkdirSync(copy)
  chmodSync(copy, 0o755)
  await source.capture(copy)
  expect(statSync(copy).mode & 0o777).toBe(0o700)
  const before = files()
  expect(await rejection(source.capture(copy))).toMatchObject({
    code: 'ERR_KMOD_SYSTEM',
    errnoCode: 'EEXIST',
    errno: -17,
  })
  expect(files()).toEqual(before)
  writeFileSync(join(system.folder, 'file'), '')
  for (const [place, errnoCode] of [
    ['file', 'ENOTDIR'],
    ['no/such', 'ENOENT'],
  ]) {
    expect(await rejection(source.capture(join(system.folder, place!)))).toMatchObject({
      code: 'ERR_KMOD_SYSTEM',
      errnoCode,
    })
  }
})

test('wrong arguments are refused', async () => {
  expect(await rejection(source.capture(7 as never))).toMatchObject({
    code: 'ERR_INVALID_ARG_TYPE',
  })
  for (const [folder, options] of [
    ['', {}],
    ['a\0b', {}],
    [copy, { user: true }],
  ] as const) {
    expect(await rejection(source.capture(folder, options as never))).toMatchObject({
      code: 'ERR_INVALID_ARG_VALUE',
    })
  }
  expect(existsSync(copy)).toBe(false)
})

test('an aborted capture leaves nothing', async () => {
  const early = AbortSignal.abort('early')
  expect(await rejection(source.capture(copy, { signal: early }))).toMatchObject({
    code: 'ERR_KMOD_ABORTED',
    cause: 'early',
  })
  const controller = new AbortController()
  const capturing = source.capture(copy, { signal: controller.signal })
  setImmediate(() => controller.abort('enough'))
  expect(await rejection(capturing)).toMatchObject({ code: 'ERR_KMOD_ABORTED', cause: 'enough' })
  expect(existsSync(copy)).toBe(false)
})

const DAMAGED: readonly [text: string, message: RegExp][] = [
  ['{', /damaged/],
  ['null', /damaged/],
  ['{"form":1,"plain":null}', /damaged/],
  ['{"form":1,"plain":{"links":7}}', /damaged/],
  ['{"form":1,"plain":{"links":[null],"netFiles":[null]}}', /damaged/],
  ['{"form":1,"plain":{},"processes":[null]}', /damaged/],
  ['{"form":99}', /newer version/],
]

test('a survey that capture() did not write is ERR_KMOD_FORMAT', async () => {
  await source.capture(copy)
  for (const [text, message] of DAMAGED) {
    writeFileSync(join(copy, 'node-kmod-survey.json'), text)
    const damaged = new Kmod({ root: copy })
    const error = await rejection(damaged.plan('nvme', { release: ['mount', 'process'] }))
    expect({ text, code: error.code }).toEqual({ text, code: 'ERR_KMOD_FORMAT' })
    expect(error.message).toMatch(message)
    expect(error.message).toContain('/node-kmod-survey.json')
  }
})

test('an older survey without a list still answers', async () => {
  await source.capture(copy)
  const path = join(copy, 'node-kmod-survey.json')
  const survey = JSON.parse(readFileSync(path, 'utf8')) as { plain: Record<string, unknown> }
  delete survey.plain.ipSets
  writeFileSync(path, JSON.stringify(survey))
  expect(await new Kmod({ root: copy }).impact('nvme')).toEqual(await source.impact('nvme'))
})

test('the release is that of the system, also without an index', async () => {
  const bare = new CapturedSystem()
    .write('proc/modules', '')
    .write(`lib/modules/${RELEASE}/other`, '')
  try {
    await new Kmod({ root: bare.root }).capture(copy)
    expect((await new Kmod({ root: copy }).preflight()).kernel.release).toBe(RELEASE)
  } finally {
    bare.remove()
  }
})
