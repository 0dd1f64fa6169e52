/** node-kmod/testing, as its users see it: the expectations are those of the kernel and of lsmod. */
import { IdleReaper, type ReapReport, type User } from 'node-kmod'
import { simulate, type SimulatedSystem } from 'node-kmod/testing'
import { rejection } from '../support/rejection'

/** br_netfilter uses bridge, which uses llc and stp; stp uses llc. */
const BRIDGE = [
  { name: 'br-netfilter', uses: ['bridge'] },
  { name: 'bridge', uses: ['llc', 'stp'] },
  { name: 'stp', uses: ['llc'] },
  { name: 'llc' },
]

const openvpn: User = {
  kind: 'process',
  module: 'tun',
  pid: 812,
  comm: 'openvpn',
  path: '/dev/net/tun',
  fd: 5,
  self: false,
  unit: null,
  references: 2,
  release: { kind: 'process', text: 'end process 812 (openvpn)', command: ['kill', '812'] },
}

describe('a simulated system', () => {
  test('lists its modules as lsmod does: newest first, with holders and counts', async () => {
    const kmod = simulate({ modules: BRIDGE })
    const rows = await kmod.list()
    expect(rows.map(({ name, refCount, holders }) => ({ name, refCount, holders }))).toEqual([
      { name: 'br_netfilter', refCount: 0, holders: [] },
      { name: 'bridge', refCount: 1, holders: ['br_netfilter'] },
      { name: 'stp', refCount: 1, holders: ['bridge'] },
      { name: 'llc', refCount: 2, holders: expect.arrayContaining(['stp', 'bridge']) as string[] },
    ])
  })

  test('refuses a removal for the reasons of the kernel, in its order', async () => {
    const kmod = simulate({
      modules: [
        ...BRIDGE,
        { name: 'forever', permanent: true, refCount: 1 },
        { name: 'busy', refCount: 3 },
        { name: 'going', state: 'unloading' },
        { name: 'locked', exit: { fails: 'EPERM' } },
        { name: 'ext4', state: 'builtin' },
        { name: 'dummy', state: 'unloaded' },
      ],
    })
    const codeOf = async (name: string): Promise<string> =>
      (await rejection(kmod.remove(name))).code
    expect(await codeOf('llc')).toBe('ERR_KMOD_HELD')
    expect(await codeOf('forever')).toBe('ERR_KMOD_PERMANENT')
    expect(await codeOf('busy')).toBe('ERR_KMOD_IN_USE')
    expect(await codeOf('going')).toBe('ERR_KMOD_TRANSIENT')
    expect(await codeOf('locked')).toBe('ERR_KMOD_PERMISSION')
    expect(await codeOf('ext4')).toBe('ERR_KMOD_BUILTIN')
    expect(await codeOf('dummy')).toBe('ERR_KMOD_NOT_LOADED')
    expect(await codeOf('nothing')).toBe('ERR_KMOD_NOT_FOUND')
  })

  test('unloads with what is unused then, and loads again', async () => {
    const kmod = simulate({ modules: BRIDGE })
    expect((await kmod.unload('br_netfilter')).removed).toEqual([
      'br_netfilter',
      'bridge',
      'stp',
      'llc',
    ])
    expect(await kmod.list()).toEqual([])
    expect((await kmod.load('bridge')).loaded.sort()).toEqual(['bridge', 'llc', 'stp'])
    expect(await kmod.status('br_netfilter')).toBe('unloaded')
  })

  test('explains with the given users; the rest of the count is unexplained', async () => {
    const kmod = simulate({ modules: [{ name: 'tun', refCount: 3 }], users: [openvpn] })
    expect(await kmod.explain('tun')).toMatchObject({
      refCount: 3,
      references: 3,
      unexplained: 1,
      users: [openvpn],
    })
    kmod.world.setUsers('tun', [])
    expect(await kmod.explain('tun')).toMatchObject({ refCount: 0, unexplained: 0, users: [] })
  })

  test('a plan releases a user by its command, which drops its references', async () => {
    const kmod = simulate({ modules: [{ name: 'tun' }], users: [openvpn] })
    const error = await rejection(kmod.unload('tun'))
    expect(error).toMatchObject({ code: 'ERR_KMOD_IN_USE', references: 2, users: [openvpn] })
    const report = await kmod.unload('tun', { release: ['process'] })
    expect(report.removed).toEqual(['tun'])
  })

  test('is closed and used again', async () => {
    const kmod = simulate({ modules: [{ name: 'tun' }] })
    await kmod.close()
    expect(await kmod.isLoaded('tun')).toBe(true)
  })
})

describe('time', () => {
  test('stands still until the test lets it pass', async () => {
    const kmod = simulate({ modules: [{ name: 'tun', refCount: 1 }] })
    let report: unknown
    const unloading = kmod.unload('tun', { wait: 30_000 }).then((value) => (report = value))
    await kmod.world.advance(29_000)
    expect(report).toBeUndefined()
    kmod.world.setUsers('tun', [])
    await kmod.world.advance(500)
    await unloading
    expect(report).toMatchObject({ removed: ['tun'] })
  })

  test('wait ends when it is over, and not before', async () => {
    const kmod = simulate({ modules: [{ name: 'tun' }], users: [openvpn] })
    const rejected = rejection(kmod.unload('tun', { wait: 30_000 }))
    let hasEnded = false
    void rejected.then(() => (hasEnded = true))
    await kmod.world.advance(29_900)
    expect(hasEnded).toBe(false)
    await kmod.world.advance(100)
    expect(await rejected).toMatchObject({ code: 'ERR_KMOD_TIMEOUT', users: [openvpn] })
  })

  test('an exit function takes its time, and one that hangs is reported', async () => {
    const kmod = simulate({
      modules: [
        { name: 'slow', exit: { duration: 5_000 } },
        { name: 'stuck', exit: { hangs: true } },
      ],
    })
    const slow = kmod.remove('slow')
    await kmod.world.advance(4_999)
    expect(await kmod.status('slow')).toBe('unloading')
    await kmod.world.advance(1)
    await slow
    expect(await kmod.status('slow')).toBe('unloaded')
    const stuck = rejection(kmod.remove('stuck', { hungAfter: 1_000 }))
    await kmod.world.advance(1_000)
    expect(await stuck).toMatchObject({ code: 'ERR_KMOD_HUNG', module: 'stuck' })
  })

  test('passes of an IdleReaper come by it', async () => {
    const kmod = simulate({ modules: [{ name: 'idle' }, { name: 'busy', refCount: 1 }] })
    const reports: ReapReport[] = []
    const reaper = new IdleReaper({ candidates: ['*'], interval: 60_000, kmod })
    reaper.on('pass', (report) => reports.push(report))
    reaper.start()
    await kmod.world.advance(0)
    expect(reports).toMatchObject([{ tagged: ['idle'], removed: [] }])
    await kmod.world.advance(60_000)
    expect(reports[1]).toMatchObject({ removed: ['idle'] })
    await reaper.stop()
  })
})

test('watch reports what the world does, and what it emits', async () => {
  const kmod = simulate({ modules: [{ name: 'llc' }] })
  const events = kmod.watch()
  kmod.world.add({ name: 'stp', uses: ['llc'] })
  kmod.world.drop('stp')
  kmod.world.emit({ action: 'overrun', module: null, sequence: 7, at: new Date(0) })
  const seen: unknown[] = []
  for await (const { action, module } of events) {
    seen.push([action, module])
    if (seen.length === 3) break
  }
  expect(seen).toEqual([
    ['load', 'stp'],
    ['unload', 'stp'],
    ['overrun', null],
  ])
})

describe('files of modprobe.d and modules-load.d', () => {
  const system: SimulatedSystem = {
    modules: [
      { name: 'snd-hda-intel' },
      { name: 'snd-hda-codec-hdmi' },
      { name: 'pcspkr', state: 'unloaded' },
      { name: 'dummy', state: 'unloaded' },
      { name: 'loop' },
      { name: 'tun' },
    ],
    files: {
      '/etc/modprobe.d/local.conf': `# a comment
alias sound-card snd-hda-intel
blacklist pcspkr
alias beep pcspkr
options dummy \\
  numdummies=3
softdep snd-hda-intel post: snd-hda-codec-hdmi
remove tun /usr/bin/logger goodbye; rmmod tun
`,
      '/etc/modules-load.d/loop.conf': 'loop # always\n',
    },
  }

  test('count for resolve, plan and load', async () => {
    const kmod = simulate(system)
    expect(await kmod.resolve('sound-card')).toEqual(['snd_hda_intel'])
    const { steps } = await kmod.plan('snd-hda-intel')
    expect(steps.map(({ module }) => module)).toEqual(['snd_hda_codec_hdmi', 'snd_hda_intel'])
    expect(await kmod.plan('tun')).toMatchObject({
      blockers: [
        { code: 'ERR_KMOD_REMOVE_COMMAND', shell: expect.stringContaining('logger') as string },
      ],
    })
    await kmod.unload('tun', { commands: 'run' })
    expect(await kmod.isLoaded('tun')).toBe(false)
    await kmod.load('dummy')
    expect((await kmod.info('dummy')).loaded?.parameters).toEqual({ numdummies: '3' })
    expect((await rejection(kmod.load('beep'))).message).toContain('blacklist')
  })

  test('a module that is configured to be loaded is spared by an IdleReaper', async () => {
    const kmod = simulate(system)
    const { spared } = await new IdleReaper({ candidates: ['loop'], kmod }).pass()
    expect(spared).toEqual([{ module: 'loop', reason: 'configured' }])
  })
})

describe('a system that cannot exist is a TypeError', () => {
  test.each<[string, unknown, RegExp]>([
    ['no modules', {}, /system\.modules/],
    ['no name', { modules: [{}] }, /name/],
    ['a wrong name', { modules: [{ name: 'a.b' }] }, /a\.b/],
    ['an unknown option', { modules: [{ name: 'a', refcount: 1 }] }, /refCount/],
    ['the same name twice', { modules: [{ name: 'a-b' }, { name: 'a_b' }] }, /different names/],
    ['an unknown module', { modules: [{ name: 'a', uses: ['b'] }] }, /uses of a/],
    [
      'a cycle',
      {
        modules: [
          { name: 'a', uses: ['b'] },
          { name: 'b', uses: ['a'] },
        ],
      },
      /cycle/,
    ],
    [
      'a use of a module that is not loaded',
      {
        modules: [
          { name: 'a', uses: ['b'] },
          { name: 'b', state: 'unloaded' },
        ],
      },
      /uses of a/,
    ],
    [
      'fewer references than holders',
      {
        modules: [
          { name: 'a', uses: ['b'] },
          { name: 'b', refCount: 0 },
        ],
      },
      /at least 1/,
    ],
    ['users of an absent module', { modules: [], users: [openvpn] }, /tun/],
    [
      'an error that does not exist',
      { modules: [{ name: 'a', exit: { fails: 'EWRONG' } }] },
      /EWRONG/,
    ],
    ['a file elsewhere', { modules: [], files: { '/etc/passwd': '' } }, /modprobe\.d/],
    [
      'a line with a wildcard',
      { modules: [], files: { '/etc/modprobe.d/a.conf': 'alias a* b' } },
      /wildcard/,
    ],
  ])('%s', (_, system, message) => {
    expect(() => simulate(system as SimulatedSystem)).toThrow(TypeError)
    expect(() => simulate(system as SimulatedSystem)).toThrow(message)
  })

  test('and so is a change of the world that cannot happen', async () => {
    const { world } = simulate({ modules: BRIDGE })
    expect(() => world.drop('bridge')).toThrow(/br_netfilter/)
    expect(() => world.drop('tun')).toThrow(TypeError)
    expect(() => world.add({ name: 'bridge' })).toThrow(TypeError)
    expect(() => world.add({ name: 'new', uses: ['tun'] })).toThrow(/tun/)
    expect(() => world.setUsers('llc', [openvpn])).toThrow(TypeError)
    await expect(world.advance(Infinity)).rejects.toThrow(TypeError)
  })
})
