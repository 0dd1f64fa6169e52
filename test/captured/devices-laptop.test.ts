/** The devices of a captured laptop. */
import { effectsOf } from '../../lib/guard/effects'
import type { BlockDevice, Snapshot } from '../../lib/kernel/snapshot'
import { snapshotOf, usersOf } from '../support/captured-snapshot'
import { CapturedSystem } from '../support/captured-system'
import { fillLaptop, LAPTOP_ALIASES } from '../support/laptop'

let system: CapturedSystem
beforeEach(() => {
  system = new CapturedSystem()
})
afterEach(() => system.remove())

describe('a laptop', () => {
  let laptop: Snapshot
  beforeEach(async () => {
    fillLaptop(system)
    laptop = await snapshotOf(system, LAPTOP_ALIASES)
  })
  const block = (path: string): BlockDevice | undefined =>
    laptop.blocks.find((one) => one.path === path)

  test('has devices that are bound to drivers of loaded modules', () => {
    expect(laptop.boundDevices).toContainEqual({
      bus: 'pci',
      device: '0000:00:1f.6',
      driver: 'e1000e',
      modules: ['e1000e'],
    })
    // The folder of the driver also has a link to the module, which is no device.
    expect(usersOf(laptop, 'usbcore', 'device')).toMatchObject([
      { kind: 'device', bus: 'usb', device: '2-1', driver: 'usb', references: 0 },
      { device: 'usb2', release: { kind: 'device' } },
    ])
    expect(laptop.boundDevices.map(({ driver }) => driver)).not.toContain('pcieport')
  })

  test('has the block devices that are set up, with what is on their partitions', () => {
    expect(laptop.blocks.map(({ path }) => path).sort()).toEqual(
      [
        ...['/dev/dm-0', '/dev/loop0', '/dev/loop1', '/dev/nvme0n1', '/dev/sda', '/dev/zram0'],
        // A RAM disk: debugfs is not mounted, which would show whether it has contents.
        '/dev/ram0',
      ].sort(),
    )
    expect(block('/dev/nvme0n1')).toEqual({
      path: '/dev/nvme0n1',
      mapping: null,
      madeOf: null,
      fileOn: null,
      setUpBy: null,
      usedBy: ['/dev/dm-0', '/boot/efi', '/boot'],
      modules: ['nvme'],
      below: [],
    })
    expect(block('/dev/dm-0')).toMatchObject({
      mapping: { name: 'nvme0n1p3_crypt' },
      usedBy: ['/'],
      modules: ['dm_mod', 'dm_crypt'],
      below: ['nvme'],
    })
    expect(block('/dev/loop1')).toMatchObject({
      madeOf: '/media/anna/MY STICK/disk image',
      fileOn: '8:1',
      usedBy: ['/mnt/image'],
      modules: ['loop'],
    })
    expect([...block('/dev/loop1')!.below].sort()).toEqual(
      ['sd_mod', 'usb_storage', 'usbcore', 'vfat', 'xhci_pci'].sort(),
    )
    expect(block('/dev/zram0')).toMatchObject({ usedBy: ['swap'] })
  })

  test('has no command that detaches a block device in use; the text says what must go first', () => {
    for (const [module, path, first] of [
      ['nvme', '/dev/nvme0n1', 'detach /dev/dm-0'],
      ['dm_mod', '/dev/dm-0', 'unmount /'],
      ['loop', '/dev/loop1', 'unmount /mnt/image'],
      ['zram', '/dev/zram0', 'stop the swap on /dev/zram0'],
    ] as const) {
      const user = usersOf(laptop, module, 'block').find((one) => one.path === path)!
      expect(user.release.command).toBeNull()
      expect(user.release.text).toContain(first)
    }
  })

  test('has the references of block devices that are known', () => {
    const references = (module: string): unknown[] =>
      usersOf(laptop, module, 'block').map((user) => [user.path, user.references])
    // The backing file and the mount.
    expect(references('loop')).toEqual([
      ['/dev/loop0', 2],
      ['/dev/loop1', 2],
    ])
    // The mapping itself and the mount.
    expect(references('dm_mod')).toContainEqual(['/dev/dm-0', 2])
    expect(references('dm_crypt')).toContainEqual(['/dev/dm-0', 1])
    expect(references('zram')).toEqual([['/dev/zram0', 0]])
    expect(references('xhci_pci')).toEqual(
      [
        ['/dev/sda', null],
        ['/dev/loop1', null],
      ].sort(),
    )
    expect(usersOf(laptop, 'zram', 'swap')).toMatchObject([
      { path: '/dev/zram0', references: 1, release: { command: ['swapoff', '/dev/zram0'] } },
    ])
    expect(usersOf(laptop, 'ext4', 'swap')).toMatchObject([
      { path: '/var/swap file', references: 0 },
    ])
  })

  test('has one display that is on, and the text console on the same card', () => {
    expect(laptop.displays).toEqual([{ name: 'card0-eDP-1', modules: ['i915'] }])
    expect(effectsOf(laptop).get('i915')).toMatchObject([
      { kind: 'display', severity: 'critical', subject: 'card0-eDP-1' },
    ])
    expect(usersOf(laptop, 'i915', 'console')).toMatchObject([
      { kind: 'console', name: 'fb0', value: 'bound', references: 0 },
    ])
  })

  test('has a sound card that plays', () => {
    expect(usersOf(laptop, 'snd_hda_intel', 'sound')).toMatchObject([
      { kind: 'sound', name: 'card0 (PCH)', value: 'open by 640', references: 0 },
    ])
  })

  test('has an algorithm in use, and one that is only registered', () => {
    expect(usersOf(laptop, 'rmd160', 'crypto')).toMatchObject([
      { name: 'rmd160-generic', value: 'rmd160', references: 2 },
    ])
    expect(usersOf(laptop, 'crc32c_intel', 'crypto')).toEqual([])
    expect(laptop.algorithms.map(({ driver }) => driver)).toEqual([
      'rmd160-generic',
      'crc32c-intel',
    ])
  })

  test('has a line discipline and a binary format', () => {
    expect(usersOf(laptop, 'n_gsm', 'tty')).toMatchObject([
      { name: 'n_gsm', value: 'line discipline 21', references: null },
    ])
    expect(laptop.lineDisciplines).toHaveLength(1)
    expect(usersOf(laptop, 'binfmt_misc', 'binfmt')).toMatchObject([
      { name: 'qemu-arm', value: '/usr/bin/qemu-arm', references: 0 },
    ])
  })

  test('has a virtual machine, which refers to the module of the processor type', () => {
    const modules = ['kvm_intel', 'kvm']
    expect(laptop.virtualMachines).toEqual([{ pid: 900, comm: 'qemu\x1b[2J', modules }])
    expect(effectsOf(laptop).get('kvm')).toMatchObject([
      { kind: 'virtual-machine', severity: 'critical', subject: '900' },
    ])
    const paths = (module: string): string[] =>
      usersOf(laptop, module, 'process').map(({ path }) => path)
    expect(paths('kvm_intel').sort()).toEqual([
      '/dev/kvm',
      'anon_inode:kvm-vcpu:0',
      'anon_inode:kvm-vm',
    ])
    expect(paths('kvm')).toEqual([])
  })

  test('has messages without control characters', () => {
    const { message } = effectsOf(laptop).get('kvm')![0]!
    expect(message).toBe('The virtual machine of process 900 (qemu\\u{1b}[2J) would end.')
  })

  test('has an open input device, which refers to its handler, not to its driver', () => {
    expect(usersOf(laptop, 'evdev', 'process')).toMatchObject([
      { pid: 700, comm: 'Xorg', path: '/dev/input/event3', references: 1 },
    ])
    const card = laptop.openDevices.find(({ path }) => path === '/dev/dri/card0')
    expect(card!.modules).toEqual(['i915', 'drm'])
  })

  test('has the same effects if the users are not read', async () => {
    const guarded = await snapshotOf(system, LAPTOP_ALIASES, false)
    expect(guarded).toMatchObject({ openDevices: [], sockets: [], algorithms: [] })
    expect(effectsOf(guarded)).toEqual(effectsOf(laptop))
  })
})
