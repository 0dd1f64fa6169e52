/** Devices and disks without files: the parsers, what explain() makes of the facts, and the effects. */
import { printable } from '../../lib/contract/printable'
import type { User } from '../../lib/contract/types'
import { findUsers } from '../../lib/explain/users'
import { effectsOf } from '../../lib/guard/effects'
import type { Mapping, Snapshot } from '../../lib/kernel/snapshot'
import { parseCrypto } from '../../lib/snapshot/crypto-algorithms'
import { parseLineDisciplines } from '../../lib/snapshot/devices/line-disciplines'
import { parseCards } from '../../lib/snapshot/devices/sound-cards'
import { parseSwaps } from '../../lib/snapshot/storage/swaps'
import { blockDevice, loaded, mount, openDevice, snapshot, swapArea } from '../support/snapshots'

function usersIn(parts: Partial<Snapshot>, module: string): User[] {
  return findUsers(loaded(module), snapshot(parts))
}

/** "kind:subject" of each effect on a module. */
function effects(parts: Partial<Snapshot>, module: string): string[] {
  const found = effectsOf(snapshot(parts)).get(module) ?? []
  return found.map(({ kind, subject }) => `${kind}:${subject}`)
}

describe('a printable text', () => {
  test.each([
    ['/dev/sda1', '/dev/sda1'],
    ['Größe, 日本語 🐧', 'Größe, 日本語 🐧'],
    ['a\nb\tc', 'a\\u{a}b\\u{9}c'],
    ['\x1b]0;title\x07', '\\u{1b}]0;title\\u{7}'],
    ['\u009b2J\u007f', '\\u{9b}2J\\u{7f}'],
    ['gpj\u202etxt', 'gpj\\u{202e}txt'],
    ['line\u2028line', 'line\\u{2028}line'],
    ['', ''],
  ])('of %j', (text, expected) => {
    expect(printable(text)).toBe(expected)
  })
})

describe('/proc/crypto', () => {
  const algorithm = (fields: Record<string, string>): string =>
    Object.entries(fields)
      .map(([key, value]) => `${key.padEnd(12)} : ${value}\n`)
      .join('')
  const cbc = { name: 'cbc(aes)', driver: 'cbc-aes-x', module: 'aesni-intel', refcnt: '4' }

  test('has the algorithms of modules, with the count that the kernel shows', () => {
    expect(parseCrypto(`${algorithm(cbc)}\n${algorithm({ ...cbc, refcnt: '1' })}`)).toEqual([
      { name: 'cbc(aes)', driver: 'cbc-aes-x', refCount: 4, modules: ['aesni_intel'] },
      { name: 'cbc(aes)', driver: 'cbc-aes-x', refCount: 1, modules: ['aesni_intel'] },
    ])
  })

  test.each([
    [{ module: 'kernel' }],
    [{ module: '' }],
    [{ name: '' }],
    [{ refcnt: '' }],
    [{ refcnt: 'many' }],
    [{ refcnt: '-5' }],
  ])('an algorithm with %j is left out', (fields) => {
    expect(parseCrypto(algorithm({ ...cbc, ...fields }))).toEqual([])
  })

  test.each(['', '\n\n\n', ':', 'name', 'name : a\n\nmodule : b'])('%j has none', (text) => {
    expect(parseCrypto(text)).toEqual([])
  })
})

test('/proc/asound/cards has two rows for each sound card', () => {
  const text =
    ' 0 [PCH            ]: HDA-Intel - HDA [1]: x\n                      at 0x1 irq 1\n' +
    '10 [Loopback       ]: Loopback - Loopback\n--- no soundcards ---\n'
  expect(parseCards(text)).toEqual([
    { index: 0, id: 'PCH' },
    { index: 10, id: 'Loopback' },
  ])
})

test('/proc/tty/ldiscs has N_TTY, which is left out, and others', () => {
  expect(parseLineDisciplines('n_tty       0\nslip        1\na name   21\nx\n 3\n')).toEqual([
    { name: 'slip', number: 1 },
    { name: 'a name', number: 21 },
  ])
})

test('/proc/swaps has devices and files', () => {
  const text =
    'Filename\tType\n/dev/dm-1  partition\t1\t0\t-2\n/a\\040b\\040(deleted) file 1 0 -3\n'
  expect(parseSwaps(text)).toEqual([
    { path: '/dev/dm-1', isFile: false },
    { path: '/a b', isFile: true },
  ])
})

describe('the release of a block device', () => {
  const mapping = (uuid: string): Mapping => ({ name: 'vg-home', uuid, segments: null })

  test.each([
    ['loop', '/dev/loop0', null, ['losetup', '-d', '/dev/loop0']],
    ['zram', '/dev/zram0', null, ['zramctl', '--reset', '/dev/zram0']],
    ['md_mod', '/dev/md127', null, ['mdadm', '--stop', '/dev/md127']],
    ['nbd', '/dev/nbd3', null, ['nbd-client', '-d', '/dev/nbd3']],
    ['dm_mod', '/dev/dm-0', mapping('LVM-abc'), ['dmsetup', 'remove', 'vg-home']],
    ['dm_mod', '/dev/dm-0', mapping('CRYPT-LUKS2-a'), ['cryptsetup', 'close', 'vg-home']],
    ['sd_mod', '/dev/sda', null, null],
    ['rbd', '/dev/rbd0', null, null],
  ])('of module %s at %s', (module, path, named, command) => {
    const block = blockDevice(path, { mapping: named, modules: [module] })
    const [user] = usersIn({ blocks: [block] }, module)
    expect(user!.release.command).toEqual(command)
    expect(user!.release.text).toContain(path)
    // Not as long as something uses it: the text says what must go first.
    for (const [usedBy, first] of [
      ['/srv', 'unmount /srv'],
      ['/dev/dm-7', 'detach /dev/dm-7'],
      ['swap', `stop the swap on ${path}`],
    ]) {
      const used = { ...block, usedBy: [usedBy!] }
      const [busy] = usersIn({ blocks: [used] }, module)
      expect(busy!.release.command).toBeNull()
      expect(busy!.release.text).toContain(first)
    }
  })

  test('has no command while a process has it open', () => {
    const blocks = [blockDevice('/dev/dm-0', { mapping: mapping('x'), modules: ['dm_mod'] })]
    for (const path of ['/dev/dm-0', '/dev/mapper/vg-home']) {
      const openDevices = [openDevice(7, path), openDevice(8, '/dev/dm-01')]
      const [user] = usersIn({ blocks, openDevices }, 'dm_mod')
      expect(user!.release).toMatchObject({ kind: 'block', command: null })
      expect(user!.release.text).toMatch(/^first close it in process 7 \(someone\); then detach/)
    }
  })

  test('says that the contents of a disk in memory are lost', () => {
    const zram = blockDevice('/dev/zram0', { modules: ['zram'] })
    const ram = blockDevice('/dev/ram0', { modules: ['brd'] })
    expect(usersIn({ blocks: [zram] }, 'zram')[0]!.release.text).toContain('are lost')
    expect(usersIn({ blocks: [ram] }, 'brd')).toMatchObject([
      { references: 0, release: { kind: null, command: null } },
    ])
    expect(effects({ blocks: [ram] }, 'brd')).toEqual(['storage:/dev/ram0'])
  })

  test('of a network block device depends on the program that set it up', () => {
    const block = blockDevice('/dev/nbd0', { modules: ['nbd'], setUpBy: 'qemu-nbd' })
    expect(usersIn({ blocks: [block] }, 'nbd')[0]!.release.command).toEqual([
      'qemu-nbd',
      '-d',
      '/dev/nbd0',
    ])
  })

  test('without a driver module has no command', () => {
    const block = blockDevice('/dev/sda', { below: ['ahci'] })
    expect(usersIn({ blocks: [block] }, 'ahci')).toMatchObject([
      { kind: 'block', references: null, release: { command: null } },
    ])
  })
})

describe('the effect "storage"', () => {
  const sda = blockDevice('/dev/sda', { modules: ['sd_mod'], below: ['ahci'] })
  const mapped = blockDevice('/dev/dm-0', { modules: ['dm_mod'], below: ['sd_mod', 'ahci'] })

  test('is on disks without a file system or swap, also on the devices above them', () => {
    expect(effects({ blocks: [sda] }, 'ahci')).toEqual(['storage:/dev/sda'])
    const under = { ...sda, usedBy: ['/dev/dm-0'] }
    expect(effects({ blocks: [under, mapped] }, 'ahci')).toEqual([
      'storage:/dev/sda',
      'storage:/dev/dm-0',
    ])
    const swapping = { ...mapped, usedBy: ['swap'] }
    expect(effects({ blocks: [under, swapping] }, 'ahci')).toEqual([])
    const data = mount('/data', '254:0', { modules: ['xfs'], below: ['dm_mod', 'sd_mod', 'ahci'] })
    const mounted = { ...mapped, usedBy: ['/data'] }
    expect(effects({ blocks: [under, mounted], mounts: [data] }, 'ahci')).toEqual([
      'filesystem:/data',
    ])
  })

  test('is found even if devices claim to lie on each other', () => {
    const one = { ...mapped, usedBy: ['/dev/dm-1', 'swap'] }
    const other = blockDevice('/dev/dm-1', { modules: ['dm_mod'], usedBy: ['/dev/dm-0'] })
    expect(effects({ blocks: [one, other] }, 'dm_mod')).toEqual([])
  })
})

test('the effects on displays and virtual machines are critical', () => {
  const parts = {
    displays: [{ name: 'card0-eDP-1', modules: ['i915'] }],
    virtualMachines: [{ pid: 7, comm: '', modules: ['kvm_amd', 'kvm'] }],
  }
  expect(effects(parts, 'i915')).toEqual(['display:card0-eDP-1'])
  expect(effects(parts, 'kvm')).toEqual(['virtual-machine:7'])
  expect(effectsOf(snapshot(parts)).get('kvm_amd')).toMatchObject([
    { severity: 'critical', message: 'The virtual machine of process 7 would end.' },
  ])
})

describe('explain', () => {
  test('knows the references of a block device to each of its modules', () => {
    const mapping = { name: 'x', uuid: '' }
    const blocks = [
      blockDevice('/dev/loop0', { modules: ['loop'], madeOf: '/a.img', usedBy: ['/mnt', 'swap'] }),
      blockDevice('/dev/dm-0', {
        modules: ['dm_mod', 'dm_crypt'],
        below: ['loop'],
        usedBy: ['/data'],
      }),
      blockDevice('/dev/dm-1', {
        modules: ['dm_mod', 'dm_snapshot'],
        mapping: {
          ...mapping,
          segments: [
            { module: 'dm_mod', count: 3 },
            { module: 'dm_snapshot', count: 2 },
          ],
        },
      }),
    ]
    // The backing file and the mount: swap is a user of its own.
    expect(usersIn({ blocks }, 'loop')).toMatchObject([
      { kind: 'block', path: '/dev/loop0', references: 2 },
      { kind: 'block', path: '/dev/dm-0', references: null },
    ])
    // The device itself, and what has it open or what it consists of.
    expect(usersIn({ blocks }, 'dm_mod')).toMatchObject([{ references: 2 }, { references: 4 }])
    expect(usersIn({ blocks }, 'dm_snapshot')).toMatchObject([{ references: 2 }])
    expect(usersIn({ blocks }, 'dm_crypt')).toMatchObject([{ references: 1 }])
  })

  test('counts the opens of swap on a device, and none for a swap file', () => {
    const swaps = [
      swapArea('/dev/dm-0', ['dm_mod', 'dm_crypt']),
      swapArea('/dev/dm-1', ['dm_mod'], { opens: 2 }),
      swapArea('/swap', ['dm_mod'], { fileOn: '8:1', opens: 0 }),
    ]
    expect(usersIn({ swaps }, 'dm_mod')).toMatchObject([
      { kind: 'swap', path: '/dev/dm-0', references: 1 },
      { kind: 'swap', path: '/dev/dm-1', references: 2 },
      { kind: 'swap', path: '/swap', references: 0 },
    ])
    expect(usersIn({ swaps }, 'dm_crypt')).toMatchObject([{ references: null }])
  })

  test('counts the uses of an algorithm without its registration', () => {
    const algorithm = { name: 'cbc(aes)', driver: 'cbc-aes-x', modules: ['aesni_intel'] }
    const algorithms = [
      { ...algorithm, refCount: 4 },
      { ...algorithm, refCount: 1 },
    ]
    expect(usersIn({ algorithms }, 'aesni_intel')).toMatchObject([
      { kind: 'crypto', name: 'cbc-aes-x', value: 'cbc(aes)', references: 3 },
    ])
  })

  test('counts no reference of a console on a DRM driver; for other drivers the number is unknown', () => {
    const console = { buffer: 'fb0', console: 'vtcon1', modules: ['gpu'] }
    const references = (isDrm: boolean) =>
      usersIn({ consoles: [{ ...console, isDrm }] }, 'gpu').map((user) => user.references)
    expect(references(true)).toEqual([0])
    expect(references(false)).toEqual([null])
  })

  test('shows whether a sound card plays', () => {
    const card = { index: 0, id: 'PCH', modules: ['snd'] }
    const soundCards = [
      { ...card, pids: [] },
      { ...card, pids: [640, 812] },
    ]
    expect(usersIn({ soundCards }, 'snd')).toMatchObject([
      { kind: 'sound', name: 'card0 (PCH)', value: 'idle', references: 0 },
      { kind: 'sound', name: 'card0 (PCH)', value: 'open by 640, 812', references: 0 },
    ])
  })

  test('lists line disciplines, binary formats and bound devices of the module only', () => {
    const modules = ['loop']
    const parts: Partial<Snapshot> = {
      lineDisciplines: [{ name: 'slip', number: 1, interfaces: null, modules }],
      binaryFormats: [{ name: 'arm', interpreter: '/usr/bin/qemu-arm', modules }],
      boundDevices: [{ bus: 'pci', device: '0000:00:01.0', driver: 'x', modules }],
    }
    expect(usersIn(parts, 'loop')).toMatchObject([
      { kind: 'tty', name: 'slip', value: 'line discipline 1', references: null },
      { kind: 'binfmt', name: 'arm', value: '/usr/bin/qemu-arm', references: 0 },
      { kind: 'device', bus: 'pci', device: '0000:00:01.0', driver: 'x', references: 0 },
    ])
    expect(usersIn(parts, 'dm_mod')).toEqual([])
  })

  test('counts a terminal for each interface of a line discipline', () => {
    const slip = { name: 'slip', number: 1, modules: ['slip'] }
    const users = (interfaces: string[]) =>
      usersIn({ lineDisciplines: [{ ...slip, interfaces }] }, 'slip')
    expect(users(['sl0', 'sl1'])).toMatchObject([
      { references: 2, release: { text: expect.stringContaining('sl0, sl1') as string } },
    ])
    expect(users([])).toMatchObject([{ references: 0 }])
  })

  test('counts one reference for each character set of a file system', () => {
    const modules = ['nls_cp437']
    const parts: Partial<Snapshot> = {
      mounts: [mount('/boot/efi', '259:1', { modules: ['vfat'] }), mount('/mnt', '259:1')],
      charsets: [
        { name: 'cp437', superblock: '259:1', modules },
        { name: 'cp437', superblock: '8:1', modules },
      ],
    }
    expect(usersIn(parts, 'nls_cp437')).toMatchObject([
      { kind: 'charset', name: 'cp437', value: '/boot/efi', references: 1 },
    ])
  })

  test('makes texts that are safe to print, and keeps the exact argv', () => {
    const path = '/mnt/\x1b[2J'
    const mounts = [mount(path, '8:1', { modules: ['loop'] })]
    const openDevices = [openDevice(5, '/dev/loop0', { comm: 'a\rb', modules: ['loop'] })]
    const users = usersIn({ mounts, openDevices }, 'loop')
    expect(users).toMatchObject([
      { path, release: { command: ['umount', path] } },
      { comm: 'a\rb' },
    ])
    for (const { release } of users) expect(release.text).not.toMatch(/\p{Cc}/u)
  })
})
