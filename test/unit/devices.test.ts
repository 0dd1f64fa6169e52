/** Devices and disks: the parsers, the users and the effects, without files. */
import { usersOf } from '../../lib/explain/users'
import { effectsOf } from '../../lib/guard/effects'
import type { BlockUse, NamedUse, Snapshot } from '../../lib/kernel/snapshot'
import { printable } from '../../lib/contract/printable'
import { blockRelease } from '../../lib/snapshot/block-release'
import { parseCrypto } from '../../lib/snapshot/crypto'
import { parseLineDisciplines } from '../../lib/snapshot/line-disciplines'
import { parseCards } from '../../lib/snapshot/sound'
import { swapRows } from '../../lib/snapshot/swaps'
import { SimulatedKernel } from '../support/simulated-kernel'
import { mount, openDevice, snapshot } from '../support/snapshots'

const release = { text: 'take it down', command: null }

function block(path: string, more: Partial<BlockUse> = {}): BlockUse {
  return { path, usedBy: [], modules: [], below: [], release, ...more }
}

/** "kind:subject" of each effect on a module. */
function effects(parts: Partial<Snapshot>, module: string): string[] {
  const found = effectsOf(snapshot(parts)).get(module) ?? []
  return found.map(({ kind, subject }) => `${kind}:${subject}`)
}

describe('printable', () => {
  test.each([
    ['/dev/sda1', '/dev/sda1'],
    ['Größe, 日本語 🐧', 'Größe, 日本語 🐧'],
    ['a\nb\tc', 'a\\u{a}b\\u{9}c'],
    ['\x1b]0;title\x07', '\\u{1b}]0;title\\u{7}'],
    ['\u009b2J\u007f', '\\u{9b}2J\\u{7f}'],
    ['gpj\u202etxt', 'gpj\\u{202e}txt'],
    ['line\u2028line', 'line\\u{2028}line'],
    ['', ''],
  ])('%j', (text, expected) => {
    expect(printable(text)).toBe(expected)
  })
})

describe('the table of algorithms', () => {
  const algorithm = (fields: Record<string, string>): string =>
    Object.entries(fields)
      .map(([key, value]) => `${key.padEnd(12)} : ${value}\n`)
      .join('')
  const use = { name: 'cbc(aes)', driver: 'cbc-aes-x', module: 'aesni-intel', refcnt: '4' }

  test('has the uses beyond the registration, by the name of the module', () => {
    expect(parseCrypto(`${algorithm(use)}\n${algorithm({ ...use, refcnt: '1' })}`)).toMatchObject([
      { name: 'cbc-aes-x', value: 'cbc(aes)', modules: ['aesni_intel'], references: 3 },
    ])
  })

  test.each([
    [{ module: 'kernel' }],
    [{ module: '' }],
    [{ name: '' }],
    [{ refcnt: '' }],
    [{ refcnt: 'many' }],
    [{ refcnt: '-5' }],
  ])('leaves %j out', (fields) => {
    expect(parseCrypto(algorithm({ ...use, ...fields }))).toEqual([])
  })

  test.each(['', '\n\n\n', ':', 'name', 'name : a\n\nmodule : b'])('%j has none', (text) => {
    expect(parseCrypto(text)).toEqual([])
  })
})

test('sound cards, each with a second row', () => {
  const text =
    ' 0 [PCH            ]: HDA-Intel - HDA [1]: x\n                      at 0x1 irq 1\n' +
    '10 [Loopback       ]: Loopback - Loopback\n--- no soundcards ---\n'
  expect(parseCards(text)).toEqual([
    { index: 0, id: 'PCH' },
    { index: 10, id: 'Loopback' },
  ])
})

test('line disciplines besides the plain terminal', () => {
  expect(parseLineDisciplines('n_tty       0\nslip        1\na name   21\nx\n 3\n')).toEqual([
    { name: 'slip', number: 1 },
    { name: 'a name', number: 21 },
  ])
})

test('swap areas', () => {
  const text =
    'Filename\tType\n/dev/dm-1  partition\t1\t0\t-2\n/a\\040b\\040(deleted) file 1 0 -3\n'
  expect(swapRows(text)).toEqual([
    { path: '/dev/dm-1', isFile: false },
    { path: '/a b', isFile: true },
  ])
})

describe('the release of a block device', () => {
  const mapping = (uuid: string): { name: string; uuid: string } => ({ name: 'vg-home', uuid })

  test.each([
    ['loop', '/dev/loop0', null, ['losetup', '-d', '/dev/loop0']],
    ['zram', '/dev/zram0', null, ['zramctl', '--reset', '/dev/zram0']],
    ['md_mod', '/dev/md127', null, ['mdadm', '--stop', '/dev/md127']],
    ['nbd', '/dev/nbd3', null, ['qemu-nbd', '-d', '/dev/nbd3']],
    ['dm_mod', '/dev/dm-0', mapping('LVM-abc'), ['dmsetup', 'remove', 'vg-home']],
    ['dm_mod', '/dev/dm-0', mapping('CRYPT-LUKS2-a'), ['cryptsetup', 'close', 'vg-home']],
    [null, '/dev/sda', null, null],
    ['rbd', '/dev/rbd0', null, null],
  ])('of %s at %s', (module, path, named, command) => {
    const { text, command: argv } = blockRelease({ module, path, mapping: named }, ['/srv'])
    expect(argv).toEqual(command)
    expect(text).toContain(path)
    expect(text).toContain('/srv')
  })
})

describe('storage', () => {
  const sda = block('/dev/sda', { modules: ['sd_mod'], below: ['ahci'] })
  const mapped = block('/dev/dm-0', { modules: ['dm_mod'], below: ['sd_mod', 'ahci'] })

  test('is what is neither mounted nor swapped to, directly or further up', () => {
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

  test('on devices that lie on each other in a circle ends the search', () => {
    const one = { ...mapped, usedBy: ['/dev/dm-1', 'swap'] }
    const other = block('/dev/dm-1', { modules: ['dm_mod'], usedBy: ['/dev/dm-0'] })
    expect(effects({ blocks: [one, other] }, 'dm_mod')).toEqual([])
  })
})

test('displays and virtual machines are critical', () => {
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

describe('users', () => {
  let kernel: SimulatedKernel
  beforeEach(() => (kernel = new SimulatedKernel().add('loop').add('dm_mod').add('dm_crypt')))
  const usersIn = async (parts: Partial<Snapshot>, module: string): Promise<object[]> => {
    kernel.snapshotNow = snapshot(parts)
    return (await usersOf(kernel, (await kernel.row(module))!)).users
  }

  test('of a block device have what is known to refer to each of its modules', async () => {
    const blocks = [
      block('/dev/loop0', { modules: ['loop'], usedBy: ['/a.img', '/mnt', 'swap'] }),
      block('/dev/dm-0', { modules: ['dm_mod', 'dm_crypt'], below: ['loop'], usedBy: ['/data'] }),
    ]
    // Its file and the mount: swap is a user of its own.
    expect(await usersIn({ blocks }, 'loop')).toMatchObject([
      { kind: 'block', path: '/dev/loop0', references: 2 },
      { kind: 'block', path: '/dev/dm-0', references: null },
    ])
    expect(await usersIn({ blocks }, 'dm_mod')).toMatchObject([{ references: 2 }])
    expect(await usersIn({ blocks }, 'dm_crypt')).toMatchObject([{ references: 1 }])
  })

  test('of a swap area have one of its device, and none of what a file is on', async () => {
    const swaps = [
      { path: '/dev/dm-0', below: ['dm_mod', 'dm_crypt'] },
      { path: '/swap', below: ['dm_mod'] },
    ]
    expect(await usersIn({ swaps }, 'dm_mod')).toMatchObject([
      { kind: 'swap', path: '/dev/dm-0', references: 1 },
      { kind: 'swap', path: '/swap', references: 0 },
    ])
    expect(await usersIn({ swaps }, 'dm_crypt')).toMatchObject([{ references: null }])
  })

  test('of a bound device and of what has a name alone', async () => {
    const devices = [{ bus: 'pci', device: '0000:00:01.0', driver: 'x', module: 'loop' }]
    const named: NamedUse[] = [
      { kind: 'tty', name: 'slip', value: '1', modules: ['loop'], references: null, release },
    ]
    expect(await usersIn({ devices, named }, 'loop')).toMatchObject([
      { kind: 'tty', name: 'slip', value: '1', references: null },
      { kind: 'device', bus: 'pci', device: '0000:00:01.0', driver: 'x', references: 0 },
    ])
    expect(await usersIn({ devices, named }, 'dm_mod')).toEqual([])
  })

  test('have texts that are safe to print, and an argv that is exact', async () => {
    const path = '/mnt/\x1b[2J'
    const mounts = [mount(path, '8:1', { modules: ['loop'] })]
    const openDevices = [openDevice(5, '/dev/loop0', { comm: 'a\rb', modules: ['loop'] })]
    const users = await usersIn({ mounts, openDevices }, 'loop')
    expect(users).toMatchObject([
      { path, release: { command: ['umount', path] } },
      { comm: 'a\rb' },
    ])
    for (const user of users) {
      expect((user as { release: { text: string } }).release.text).not.toMatch(/\p{Cc}/u)
    }
  })
})
