/** What uses a module, over made-up snapshots. */
import { KmodError } from '../../lib/contract/errors'
import { explain } from '../../lib/explain/explain'
import { summarize, usersOf } from '../../lib/explain/users'
import type { User } from '../../lib/contract/types'
import type { OpenDevice } from '../../lib/kernel/snapshot'
import { SimulatedKernel } from '../../lib/testing/simulated-kernel'
import type { Snapshot } from '../../lib/kernel/snapshot'
import { blockDevice, mount, openDevice, snapshot, swapArea } from '../support/snapshots'

let kernel: SimulatedKernel
beforeEach(() => {
  kernel = new SimulatedKernel()
    .add('fat', { references: 0 })
    .add('vfat', { uses: ['fat'], references: 2 })
    .add('tun', { references: 4 })
    .addToIndex(
      { name: 'vfat', aliases: ['fs-vfat'] },
      { name: 'squashfs', aliases: ['fs-squashfs'] },
      { name: 'ext4', builtin: true, aliases: ['fs-ext4'] },
    )
})

test('a holder that is in use itself cannot be unloaded by one command', async () => {
  kernel.add('top', { uses: ['vfat'] })
  const [holder] = (await explain(kernel, 'fat')).users
  expect(holder!.release).toMatchObject({ command: null })
  expect(holder!.release.text).toMatch(/vfat first, which is in use itself \(reference count \d\)/)
})

test('holders are users, which are not counted as references', async () => {
  kernel.add('vfat', { uses: ['fat'], references: 0 })
  expect(await explain(kernel, 'fat')).toEqual({
    module: 'fat',
    status: 'live',
    permanent: false,
    refCount: 1,
    holders: ['vfat'],
    references: 0,
    unexplained: 0,
    users: [
      {
        kind: 'module',
        module: 'fat',
        name: 'vfat',
        references: 1,
        release: {
          kind: null,
          text: expect.stringContaining('vfat') as string,
          command: ['rmmod', 'vfat'],
        },
      },
    ],
    unreadable: [],
  })
})

describe('mounts', () => {
  const fat = { type: 'vfat', modules: ['vfat'], below: ['usb_storage'] }

  test('of one file system are one user', async () => {
    kernel.snapshotNow = snapshot({
      mounts: [
        mount('/media/MY STICK', '8:1', { ...fat, source: '/dev/sda1' }),
        mount('/srv/photos', '8:1', fat),
        mount('/boot/efi', '259:1', fat),
        mount('/', '259:2', { modules: ['ext4'], below: ['nvme'] }),
      ],
      unreadable: ['something'],
    })
    const usage = await explain(kernel, 'vfat')
    expect(usage).toMatchObject({ refCount: 2, references: 2, unexplained: 0 })
    expect(usage.unreadable).toEqual(['something'])
    expect(usage.users).toMatchObject([
      {
        kind: 'mount',
        module: 'vfat',
        path: '/media/MY STICK',
        source: '/dev/sda1',
        type: 'vfat',
        pid: process.pid,
        references: 1,
        release: { command: ['umount', '/media/MY STICK', '/srv/photos'] },
      },
      { kind: 'mount', path: '/boot/efi' },
    ])
    expect(usage.users[0]!.release.text).toContain('/srv/photos')
  })

  test('of the control files of the NFS server say that the server stops with them', async () => {
    const nfsd = { modules: ['nfsd'], type: 'nfsd' }
    kernel.add('nfsd', { references: 1 })
    kernel.snapshotNow = snapshot({ mounts: [mount('/proc/fs/nfsd', '0:50', nfsd)] })
    const { users } = await explain(kernel, 'nfsd')
    expect(users).toMatchObject([{ release: { command: ['umount', '/proc/fs/nfsd'] } }])
    expect(users[0]!.release.text).toContain('stops the NFS server')
  })

  test('of another namespace are unmounted there', async () => {
    const elsewhere = { ...fat, own: false, isRoot: false, pid: 77 }
    kernel.snapshotNow = snapshot({
      mounts: [
        mount('/in/a', '8:1', elsewhere),
        mount('/in/b', '8:2', elsewhere),
        mount('/here', '8:2', fat),
      ],
    })
    expect((await explain(kernel, 'vfat')).users).toMatchObject([
      {
        path: '/in/a',
        pid: 77,
        release: { command: ['umount', '-N', '77', '/in/a'] },
      },
      // One command cannot unmount it in both namespaces.
      {
        path: '/here',
        release: { command: null, text: expect.stringContaining('/in/b') as string },
      },
    ])
  })

  test('that propagation copied to other namespaces are unmounted with the original', async () => {
    const elsewhere = { ...fat, own: false, isRoot: false, pid: 77 }
    kernel.snapshotNow = snapshot({
      mounts: [
        mount('/media', '8:1', { ...fat, sends: '5:/media', receives: ['5:/media'] }),
        mount('/root/media', '8:1', { ...elsewhere, receives: ['9:/media', '5:/media'] }),
        mount('/copy/media', '8:1', { ...fat, sends: '5:/media', receives: ['5:/media'] }),
      ],
    })
    expect((await explain(kernel, 'vfat')).users).toMatchObject([
      { path: '/media', release: { command: ['umount', '/media'] } },
    ])
  })

  test('have no command as long as something lies on them or hides them', async () => {
    const stick = mount('/media', '8:1', fat)
    const cases: [string, Partial<Snapshot>][] = [
      ['unmount /media/sub', { mounts: [stick, mount('/media/sub', '8:2', { parent: stick.id })] }],
      ['swapoff /media/swap', { swaps: [swapArea('/media/swap', [], { fileOn: '8:1' })] }],
      [
        'detach /dev/loop0, whose file /media/image',
        { blocks: [blockDevice('/dev/loop0', { madeOf: '/media/image', fileOn: '8:1' })] },
      ],
    ]
    for (const [first, parts] of cases) {
      kernel.snapshotNow = snapshot({ mounts: [stick], ...parts })
      const [user] = (await explain(kernel, 'vfat')).users
      expect(user!.release.text).toMatch(new RegExp(`^first ${first}.*; then unmount /media `))
      expect(user!.release).toMatchObject({ kind: 'mount', command: null })
    }
    const below = mount('/a/b', '8:1', { ...fat, parent: 7000 })
    const above = mount('/', '8:9', { id: 7000 })
    const hiding = mount('/a', '8:3', { parent: 7000 })
    kernel.snapshotNow = snapshot({ mounts: [above, below, hiding] })
    const [hidden] = (await explain(kernel, 'vfat')).users
    expect(hidden!.release).toMatchObject({ command: null })
    expect(hidden!.release.text).toContain('first unmount /a; then')
  })

  test('of the root have no command in any namespace', async () => {
    const container = { ...fat, own: false, isRoot: false, pid: 77 }
    kernel.snapshotNow = snapshot({
      mounts: [mount('/', '8:1', fat), mount('/', '8:2', container)],
    })
    expect((await explain(kernel, 'vfat')).users).toMatchObject([
      { release: { kind: null, command: null } },
      { release: { kind: null, command: null } },
    ])
  })

  test('are not users of the devices below', async () => {
    kernel.add('usb_storage', { references: 1 })
    kernel.snapshotNow = snapshot({ mounts: [mount('/media', '8:1', fat)] })
    expect(await explain(kernel, 'usb_storage')).toMatchObject({
      references: 1,
      unexplained: 1,
      users: [],
    })
  })
})

describe('processes', () => {
  const tun = { modules: ['tun'] }

  test('are one user for each descriptor; this process is not to be killed', async () => {
    kernel.snapshotNow = snapshot({
      openDevices: [
        openDevice(812, '/dev/net/tun', { ...tun, comm: 'openvpn', fd: 5 }),
        // It shares the open file with the descriptor.
        openDevice(812, '/dev/net/tun', { ...tun, comm: 'openvpn', fd: null }),
        openDevice(process.pid, '/dev/net/tun', { ...tun, self: true }),
        openDevice(9, '/dev/null'),
      ],
    })
    const usage = await explain(kernel, 'tun')
    expect(usage).toMatchObject({ references: 4, unexplained: 0 })
    expect(usage.users).toMatchObject([
      {
        kind: 'process',
        module: 'tun',
        pid: 812,
        comm: 'openvpn',
        path: '/dev/net/tun',
        fd: 5,
        self: false,
        unit: null,
        references: 2,
        release: { kind: 'process', command: ['kill', '812'] },
      },
      { pid: 812, fd: null, references: 0 },
      { pid: process.pid, self: true, references: 2, release: { kind: null, command: null } },
    ])
    // The text says what the command does, and what is lost.
    expect(usage.users[0]!.release.text).toMatch(/^end .*openvpn.*descriptor 5.*lost/)
  })

  test.each([
    ['a service', { unit: 'vpn.service' }, 'service', ['systemctl', 'stop', 'vpn.service']],
    ['the service of this process', { unit: 'a.service', ownUnit: true }, 'process', ['kill', '7']],
    ['a session', { unit: 'session-3.scope' }, 'process', ['kill', '7']],
    ['the manager of a user', { unit: 'user@1000.service' }, 'process', ['kill', '7']],
    ['an ancestor', { ancestor: true }, null, null],
    [
      'an ancestor in the service of this process',
      { ancestor: true, unit: 'a.service', ownUnit: true },
      null,
      null,
    ],
    ['this process in a service', { self: true, unit: 'a.service', ownUnit: true }, null, null],
  ] as const)('of %s are released by what can be ended', async (_, holder, kind, command) => {
    kernel.snapshotNow = snapshot({
      openDevices: [openDevice(7, '/dev/net/tun', { ...tun, ...holder })],
    })
    const { users } = await explain(kernel, 'tun')
    expect(users).toMatchObject([
      { unit: 'unit' in holder ? holder.unit : null, release: { kind, command } },
    ])
    const says =
      command === null ? /close/ : kind === 'service' ? /^stop vpn.service.*all processes/ : /^end /
    expect(users[0]!.release.text).toMatch(says)
  })

  test('that hold a watchdog have no command, because their end restarts the machine', async () => {
    kernel.add('softdog', { references: 2 })
    const device = { family: 'misc', name: 'watchdog', modules: ['watchdog', 'softdog'] }
    kernel.snapshotNow = snapshot({ openDevices: [openDevice(7, '/dev/watchdog', device)] })
    const { users, unexplained } = await explain(kernel, 'softdog')
    expect(unexplained).toBe(0)
    expect(users).toMatchObject([{ references: 2, release: { kind: null, command: null } }])
    expect(users[0]!.release.text).toContain('restarts')
  })

  test('take as many references as the driver counts for one open file', async () => {
    const references = async (module: string, ...open: Partial<OpenDevice>[]) => {
      kernel.add(module, { references: 9 })
      kernel.snapshotNow = snapshot({
        openDevices: open.map((one) => openDevice(7, '/dev/x', { modules: [module], ...one })),
      })
      return (await explain(kernel, module)).users.map((user) => user.references)
    }
    expect(await references('sg', { family: 'sg' })).toEqual([3])
    expect(await references('snd', { family: 'alsa', name: 'controlC0' })).toEqual([2])
    expect(await references('snd', { family: 'alsa', name: 'pcmC0D0p' })).toEqual([1])
    const tty = { family: 'tty', name: 'ttyGS0' }
    expect(await references('u_serial', tty, tty, { ...tty, name: 'ttyGS1' })).toEqual([2, 1, 2])
    const file = { type: 'file', family: 'detached', name: '7:0' } as const
    expect(await references('ext4', file, file)).toEqual([1, 0])
    expect(await references('x', { type: 'file', family: 'debugfs', name: '0:7' })).toEqual([null])
    expect(await references('uinput', {}, { shared: true })).toEqual([1, 0])
    expect(await references('sd_mod', { type: 'block', name: '8:0' })).toEqual([1])
  })

  test('that share a descriptor do not make `unexplained` negative', async () => {
    const modules = ['tun']
    kernel.snapshotNow = snapshot({
      openDevices: [1, 2, 3, 4, 5].map((pid) => openDevice(pid, '/dev/net/tun', { modules })),
    })
    expect(await explain(kernel, 'tun')).toMatchObject({ references: 4, unexplained: 0 })
  })
})

describe('a name', () => {
  test('may be an alias', async () => {
    expect(await explain(kernel, 'fs-vfat')).toMatchObject({ module: 'vfat', status: 'live' })
  })

  test('of a module that is not loaded has no users', async () => {
    const nothing = { refCount: null, references: null, unexplained: null, permanent: false }
    for (const name of ['squashfs', 'fs-squashfs']) {
      expect(await explain(kernel, name)).toEqual({
        module: 'squashfs',
        status: 'unloaded',
        ...nothing,
        holders: [],
        users: [],
        unreadable: [],
      })
    }
    for (const name of ['ext4', 'fs-ext4']) {
      expect(await explain(kernel, name)).toMatchObject({ module: 'ext4', status: 'builtin' })
    }
    kernel.sysBuiltins.add('printk')
    expect(await explain(kernel, 'printk')).toMatchObject({ status: 'builtin', ...nothing })
  })

  test('that is unknown rejects', async () => {
    for (const name of ['nothing', 'no/such.alias']) {
      await expect(explain(kernel, name)).rejects.toMatchObject({ code: 'ERR_KMOD_NOT_FOUND' })
    }
    for (const name of [undefined, 5, '', 'a\0b', ['vfat']]) {
      await expect(explain(kernel, name)).rejects.toBeInstanceOf(TypeError)
    }
  })

  test('that is unknown counts as not loaded if there is no index', async () => {
    kernel.hasIndex = false
    for (const name of ['nothing', 'no/such.alias']) {
      expect(await explain(kernel, name)).toMatchObject({ module: name, status: 'unloaded' })
    }
    kernel.index.lookup = () => Promise.reject(new KmodError('ERR_KMOD_LIBRARY', 'No libkmod.'))
    kernel.index.find = () => Promise.reject(new KmodError('ERR_KMOD_LIBRARY', 'No libkmod.'))
    for (const name of ['nothing', 'no/such.alias']) {
      expect(await explain(kernel, name)).toMatchObject({ module: name, status: 'unloaded' })
    }
  })

  test('of a module without a reference count has no references either', async () => {
    kernel.add('going', { state: 'unloading', references: 1 })
    expect(await explain(kernel, 'going')).toMatchObject({
      status: 'unloading',
      refCount: null,
      references: null,
      unexplained: null,
    })
  })
})

test('without a snapshot there are still the holders', async () => {
  kernel.snapshot = () => Promise.reject(new KmodError('ERR_KMOD_SYSTEM', 'No survey.'))
  const found = await usersOf(kernel, [(await kernel.row('fat'))!])
  const { users, unreadable } = found
  expect(found.allProcessesRead).toBe(false)
  expect(users).toMatchObject([[{ kind: 'module', name: 'vfat' }]])
  expect(unreadable).toEqual([expect.stringContaining('No survey.')])
})

test('the summary names at most three users', () => {
  const user = (text: string): User => ({
    kind: 'module',
    module: 'm',
    name: 'n',
    references: 1,
    release: { kind: null, text, command: null },
  })
  expect(summarize([])).toBe('')
  expect(summarize([user('close a')])).toBe(' To release it: close a.')
  expect(summarize(['a', 'b', 'c', 'd', 'e'].map(user))).toBe(
    ' To release it: a; b; c; and 2 more.',
  )
})
