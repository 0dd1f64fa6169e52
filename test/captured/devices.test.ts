/** Devices, disks, displays, sound and the rest of what is no network, out of captured files. */
import { blockUsers } from '../../lib/explain/block'
import { deviceUsers } from '../../lib/explain/device'
import { namedUsers } from '../../lib/explain/named'
import { processUsers } from '../../lib/explain/process'
import { swapUsers } from '../../lib/explain/swap'
import { effectsOf } from '../../lib/guard/effects'
import type { BlockUse, Snapshot } from '../../lib/kernel/snapshot'
import type { LoadedModule, User } from '../../lib/contract/types'
import { snapshotOf } from '../support/captured-snapshot'
import { CapturedSystem } from '../support/captured-system'
import { fillLaptop, LAPTOP_ALIASES } from '../support/laptop'
import { SysfsWriter } from '../support/sysfs'

let system: CapturedSystem
let sysfs: SysfsWriter
beforeEach(() => {
  system = new CapturedSystem()
  sysfs = new SysfsWriter(system)
})
afterEach(() => system.remove())

function loaded(name: string): LoadedModule {
  return { name, size: 1, refCount: 1, holders: [], state: 'live', permanent: false, taints: '' }
}

/** "kind:subject" of each effect on a module. */
function effects(snapshot: Snapshot, module: string): string[] {
  return (effectsOf(snapshot).get(module) ?? []).map(({ kind, subject }) => `${kind}:${subject}`)
}

function mounts(...lines: string[]): void {
  system.write('proc/1/mountinfo', lines.map((line) => `${line}\n`).join(''))
}

describe('a laptop', () => {
  let laptop: Snapshot
  beforeEach(async () => {
    fillLaptop(system)
    laptop = await snapshotOf(system, LAPTOP_ALIASES)
  })
  const block = (path: string): BlockUse | undefined =>
    laptop.blocks.find((one) => one.path === path)
  const named = (module: string): User[] => namedUsers(loaded(module), laptop)

  test('has the devices that the drivers of loaded modules are bound to', () => {
    expect(laptop.devices).toContainEqual({
      bus: 'pci',
      device: '0000:00:1f.6',
      driver: 'e1000e',
      module: 'e1000e',
    })
    // usb has two; its driver folder also leads to the module.
    expect(deviceUsers(loaded('usbcore'), laptop)).toMatchObject([
      { kind: 'device', bus: 'usb', device: '2-1', driver: 'usb', references: 0 },
      { device: 'usb2', release: { command: null } },
    ])
    expect(laptop.devices.map(({ driver }) => driver)).not.toContain('pcieport')
  })

  test('has the block devices that are set up, with what is on their partitions', () => {
    expect(laptop.blocks.map(({ path }) => path).sort()).toEqual(
      ['/dev/dm-0', '/dev/loop0', '/dev/loop1', '/dev/nvme0n1', '/dev/sda', '/dev/zram0'].sort(),
    )
    expect(block('/dev/nvme0n1')).toMatchObject({
      usedBy: ['/dev/dm-0', '/boot/efi', '/boot'],
      modules: ['nvme'],
      below: [],
      release: { command: null },
    })
    expect(block('/dev/dm-0')).toMatchObject({
      usedBy: ['/'],
      modules: ['dm_mod', 'dm_crypt'],
      below: ['nvme'],
      release: { command: ['cryptsetup', 'close', 'nvme0n1p3_crypt'] },
    })
    expect(block('/dev/loop1')).toMatchObject({
      usedBy: ['/media/anna/MY STICK/disk image', '/mnt/image'],
      modules: ['loop'],
      release: { command: ['losetup', '-d', '/dev/loop1'] },
    })
    expect([...block('/dev/loop1')!.below].sort()).toEqual(
      ['sd_mod', 'usb_storage', 'usbcore', 'vfat', 'xhci_pci'].sort(),
    )
    expect(block('/dev/zram0')).toMatchObject({
      usedBy: ['swap'],
      release: { command: ['zramctl', '--reset', '/dev/zram0'] },
    })
  })

  test('has block users with the references that are known', () => {
    const references = (module: string): unknown[] =>
      blockUsers(loaded(module), laptop).map((user) => [
        (user as { path: string }).path,
        user.references,
      ])
    // Set up, and mounted.
    expect(references('loop')).toEqual([
      ['/dev/loop0', 2],
      ['/dev/loop1', 2],
    ])
    // There, and mounted.
    expect(references('dm_mod')).toContainEqual(['/dev/dm-0', 2])
    expect(references('dm_crypt')).toContainEqual(['/dev/dm-0', 1])
    expect(references('zram')).toEqual([['/dev/zram0', 0]])
    expect(references('xhci_pci')).toEqual(
      [
        ['/dev/sda', null],
        ['/dev/loop1', null],
      ].sort(),
    )
    expect(swapUsers(loaded('zram'), laptop)).toMatchObject([
      { path: '/dev/zram0', references: 1, release: { command: ['swapoff', '/dev/zram0'] } },
    ])
    expect(swapUsers(loaded('ext4'), laptop)).toMatchObject([
      { path: '/var/swap file', references: 0 },
    ])
  })

  test('has a display that shows something, and one card for it', () => {
    expect(laptop.displays).toEqual([{ name: 'card0-eDP-1', modules: ['i915'] }])
    expect(effectsOf(laptop).get('i915')).toMatchObject([
      { kind: 'display', severity: 'critical', subject: 'card0-eDP-1' },
    ])
    expect(named('i915')).toMatchObject([
      { kind: 'console', name: 'fb0', value: 'bound', references: 0 },
    ])
  })

  test('has sound that plays', () => {
    expect(named('snd_hda_intel')).toMatchObject([
      { kind: 'sound', name: 'card0 (PCH)', value: 'open by 640', references: 0 },
    ])
  })

  test('has algorithms in use', () => {
    expect(laptop.named.filter(({ kind }) => kind === 'crypto')).toMatchObject([
      { name: 'rmd160-generic', value: 'rmd160', modules: ['rmd160'], references: 2 },
    ])
  })

  test('has line disciplines and binary formats', () => {
    expect(named('n_gsm')).toMatchObject([
      { kind: 'tty', name: 'n_gsm', value: 'line discipline 21', references: null },
    ])
    expect(laptop.named.filter(({ kind }) => kind === 'tty')).toHaveLength(1)
    expect(named('binfmt_misc')).toMatchObject([
      { kind: 'binfmt', name: 'qemu-arm', value: '/usr/bin/qemu-arm', references: 0 },
    ])
  })

  test('has a virtual machine, which holds the processor module', () => {
    const modules = ['kvm_intel', 'kvm']
    expect(laptop.virtualMachines).toEqual([{ pid: 900, comm: 'qemu\x1b[2J', modules }])
    expect(effectsOf(laptop).get('kvm')).toMatchObject([
      { kind: 'virtual-machine', severity: 'critical', subject: '900' },
    ])
    const paths = (module: string): string[] =>
      processUsers(loaded(module), laptop).map((user) => (user as { path: string }).path)
    expect(paths('kvm_intel').sort()).toEqual([
      '/dev/kvm',
      'anon_inode:kvm-vcpu:0',
      'anon_inode:kvm-vm',
    ])
    expect(paths('kvm')).toEqual([])
  })

  test('has messages without what would move a cursor', () => {
    const { message } = effectsOf(laptop).get('kvm')![0]!
    expect(message).toBe('The virtual machine of process 900 (qemu\\u{1b}[2J) would end.')
  })

  test('has input devices that hold their handler, not their driver', () => {
    expect(processUsers(loaded('evdev'), laptop)).toMatchObject([
      { pid: 700, comm: 'Xorg', path: '/dev/input/event3', references: 1 },
    ])
    const card = laptop.openDevices.find(({ path }) => path === '/dev/dri/card0')
    expect(card!.modules).toEqual(['i915', 'drm'])
  })

  test('for the guard alone has no more than it needs', async () => {
    const guarded = await snapshotOf(system, LAPTOP_ALIASES, false)
    expect(guarded).toMatchObject({ openDevices: [], devices: [], sockets: [], named: [] })
    expect(effectsOf(guarded)).toEqual(effectsOf(laptop))
  })
})

describe('disks', () => {
  /** Behind an iSCSI session, which no driver link tells of. */
  function overNetwork(): string {
    system
      .write('sys/class/scsi_host/host2/proc_name', 'iscsi_tcp\n')
      .write('sys/module/iscsi_tcp/initstate', 'live\n')
    const unit = 'platform/host2/session1/target2:0:0/2:0:0:1'
    sysfs.device(unit, { bus: 'scsi', name: 'sd', module: 'sd_mod' })
    return sysfs.block(`${unit}/block/sdb`, '8:16')
  }

  function sata(): string {
    const controller = 'pci0000:00/0000:00:17.0'
    sysfs.device(controller, { bus: 'pci', name: 'ahci', module: 'ahci' })
    const unit = `${controller}/ata1/host0/target0:0:0/0:0:0:0`
    sysfs.device(unit, { bus: 'scsi', name: 'sd', module: 'sd_mod' })
    return sysfs.block(`${unit}/block/sda`, '8:0')
  }

  test('with nothing mounted would go away', async () => {
    sata()
    const snapshot = await snapshotOf(system)
    expect(effectsOf(snapshot).get('ahci')).toEqual([
      {
        kind: 'storage',
        severity: 'disruptive',
        module: 'ahci',
        subject: '/dev/sda',
        message: 'The block device /dev/sda would go away.',
      },
    ])
    expect(effects(snapshot, 'sd_mod')).toEqual(['storage:/dev/sda'])
  })

  test('with LVM on LUKS have the file system as their effect, down to the controller', async () => {
    const disk = sata()
    const part = sysfs.block(`${disk.replace('/sys/devices/', '')}/sda1`, '8:1')
    const crypt = sysfs.block('virtual/block/dm-0', '254:0', {
      'dm/name': 'locked\n',
      'dm/uuid': 'CRYPT-LUKS2-ab-locked\n',
    })
    sysfs.slave(crypt, part)
    const volume = sysfs.block('virtual/block/dm-1', '254:1', {
      'dm/name': 'vg-data\n',
      'dm/uuid': 'LVM-abc\n',
    })
    sysfs.slave(volume, crypt)
    const idle = await snapshotOf(system)
    expect(effects(idle, 'ahci')).toEqual([
      'storage:/dev/dm-0',
      'storage:/dev/dm-1',
      'storage:/dev/sda',
    ])
    mounts('1 1 0:2 / / rw - tmpfs none rw', '2 1 254:1 / /data rw - xfs /dev/mapper/vg-data rw')
    const used = await snapshotOf(system)
    expect(effects(used, 'ahci')).toEqual(['filesystem:/data'])
    expect(used.blocks.map(({ path, usedBy }) => [path, usedBy])).toEqual([
      ['/dev/dm-0', ['/dev/dm-1']],
      ['/dev/dm-1', ['/data']],
      ['/dev/sda', ['/dev/dm-0']],
    ])
    expect(used.blocks[1]!.release.command).toEqual(['dmsetup', 'remove', 'vg-data'])
  })

  test('of a loop device over another disk', async () => {
    sata()
    sysfs.block('virtual/block/loop3', '7:3', { 'loop/backing_file': '/dev/sda\n' })
    mounts('1 1 0:2 / / rw - tmpfs none rw', '2 1 7:3 / /mnt rw - ext4 /dev/loop3 rw')
    const snapshot = await snapshotOf(system)
    expect(effects(snapshot, 'loop')).toEqual(['filesystem:/mnt'])
    expect(effects(snapshot, 'ahci')).not.toContain('storage:/dev/loop3')
    expect(snapshot.blocks.find(({ path }) => path === '/dev/sda')!.usedBy).toEqual(['/dev/loop3'])
  })

  test('over iSCSI lie on its module', async () => {
    overNetwork()
    mounts('1 1 8:16 / / rw - ext4 /dev/sdb rw')
    const snapshot = await snapshotOf(system)
    expect(effects(snapshot, 'iscsi_tcp')).toEqual(['root-filesystem:/'])
    expect(effects(snapshot, 'sd_mod')).toEqual(['root-filesystem:/'])
  })

  test('over NVMe on TCP lie on its module', async () => {
    sysfs.block('virtual/nvme-fabrics/ctl/nvme0/nvme0n1', '259:0')
    system.write('sys/devices/virtual/nvme-fabrics/ctl/nvme0/transport', 'tcp\n')
    mounts('1 1 259:0 / / rw - ext4 /dev/nvme0n1 rw')
    expect(effects(await snapshotOf(system), 'nvme_tcp')).toEqual(['root-filesystem:/'])
  })

  test('without a medium, or a path of several to one, are left out', async () => {
    sysfs.block('pci0000:00/0000:00:01.0/block/sdc', '8:32', { size: '0\n' })
    sysfs.block('pci0000:00/0000:00:02.0/nvme/nvme0/nvme0c0n1', '259:9', { hidden: '1\n' })
    sysfs.block('virtual/block/nbd0', '43:0')
    sysfs.block('virtual/block/nbd1', '43:16', { pid: '4711\n' })
    sysfs.block('virtual/block/md0', '9:0', { size: '0\n' })
    sysfs.block('pci0000:00/0000:00:03.0/cciss!c0d0', '104:0')
    const { blocks } = await snapshotOf(system)
    expect(blocks.map(({ path, usedBy }) => [path, usedBy])).toEqual([
      ['/dev/cciss/c0d0', []],
      ['/dev/nbd1', ['process 4711']],
    ])
    expect(blocks[1]!.release.command).toEqual(['qemu-nbd', '-d', '/dev/nbd1'])
  })
})

describe('a root file system', () => {
  const root = async (line: string): Promise<Snapshot> => {
    mounts(line)
    return snapshotOf(system, { 'fs-nfs4': 'nfs', '9p-virtio': '9pnet_virtio' })
  }

  function shared(driver: string): void {
    sysfs.device('pci0000:00/0000:00:05.0', {
      bus: 'pci',
      name: 'virtio-pci',
      module: 'virtio_pci',
    })
    const device = 'pci0000:00/0000:00:05.0/virtio2'
    sysfs.device(device, { bus: 'virtio', name: driver, module: driver })
    system.write(`sys/devices/${device}/mount_tag`, 'host\0')
  }

  test('on 9p lies on its transport and the device of its tag', async () => {
    shared('9pnet_virtio')
    const snapshot = await root('1 1 0:20 / / rw - 9p host rw,access=client,trans=virtio')
    for (const module of ['9p', '9pnet_virtio', 'virtio_pci']) {
      expect(effects(snapshot, module)).toEqual(['root-filesystem:/'])
    }
    const other = await root('1 1 0:20 / / rw - 9p other rw,trans=virtio')
    expect(effects(other, '9pnet_virtio')).toEqual(['root-filesystem:/'])
    expect(effects(other, 'virtio_pci')).toEqual([])
  })

  test('on virtiofs lies on its device', async () => {
    shared('virtiofs')
    const snapshot = await root('1 1 0:20 / / rw - virtiofs host rw')
    expect(effects(snapshot, 'virtiofs')).toEqual(['root-filesystem:/'])
    expect(effects(snapshot, 'virtio_pci')).toEqual(['root-filesystem:/'])
  })

  test.each([
    ['vers=4.2', 'nfsv4'],
    ['vers=3', 'nfsv3'],
  ])('on NFS with %s takes %s', async (option, module) => {
    const snapshot = await root(`1 1 0:20 / / rw - nfs4 server:/ rw,${option},rsize=1048576`)
    expect(effects(snapshot, module)).toEqual(['root-filesystem:/'])
    expect(effects(snapshot, 'nfs')).toEqual(['root-filesystem:/'])
  })

  test.each(['lowerdir=/lower,upperdir=/memory/upper', 'lowerdir=../a:../b,upperdir=/u'])(
    'on an overlay with %s says that not all of it is known',
    async (options) => {
      const { unreadable } = await root(`1 1 0:30 / / rw - overlay overlay rw,${options}`)
      expect(unreadable).toContainEqual(
        expect.stringMatching(/^the lower layers of the overlay on \/:/),
      )
    },
  )
})

describe('displays', () => {
  function frameBuffer(path: string, name: string): void {
    sysfs.device(path, { bus: 'pci', name: 'gpu', module: 'gpu' })
    sysfs.classDevice('graphics', `${path}/graphics/fb0`, { name: `${name}\n` })
    const files = { name: '(M) frame buffer device\n', bind: '1\n' }
    sysfs.classDevice('vtconsole', 'virtual/vtconsole/vtcon1', files)
  }

  test('are the text console where no connector tells', async () => {
    frameBuffer('pci0000:00/0000:00:02.0', 'VESA VGA')
    const snapshot = await snapshotOf(system)
    expect(effects(snapshot, 'gpu')).toEqual(['display:fb0'])
    expect(snapshot.named).toMatchObject([{ kind: 'console', references: null }])
  })

  test('are none where all connectors tell that nothing is there', async () => {
    const path = 'pci0000:00/0000:00:02.0'
    frameBuffer(path, 'gpudrmfb')
    const files = { status: 'disconnected\n', enabled: 'disabled\n' }
    sysfs.classDevice('drm', `${path}/drm/card0/card0-VGA-1`, files)
    expect(effects(await snapshotOf(system), 'gpu')).toEqual([])
  })
})

describe('what is damaged or gone', () => {
  const noise = Buffer.from(Array.from({ length: 4096 }, (_, i) => (i * 97) % 256))

  test('is no error', async () => {
    fillLaptop(system)
    for (const path of [
      'proc/crypto',
      'proc/asound/cards',
      'proc/asound/modules',
      'proc/asound/card0/pcm0p/sub0/status',
      'proc/tty/ldiscs',
      'proc/sys/fs/binfmt_misc/qemu-arm',
      'sys/class/drm/card0-eDP-1/status',
      'sys/class/vtconsole/vtcon1/name',
      'sys/class/block/loop1/loop/backing_file',
      'sys/class/block/dm-0/dm/uuid',
      'proc/swaps',
    ]) {
      system.write(path, noise)
    }
    system
      .link('../../devices/gone/block/sdx', 'sys/class/block/sdx')
      .link('../../../bus/pci/drivers/gone', 'sys/module/e1000e/drivers/pci:gone')
      .link('loop', 'sys/class/block/loop')
      .write('sys/class/block/a file', '')
      .write('sys/kernel/debug/kvm/99999999999999999999-1/x', '')
    const snapshot = await snapshotOf(system, LAPTOP_ALIASES)
    expect(snapshot.displays).toEqual([])
    expect(snapshot.mounts.length).toBeGreaterThan(5)
    expect(snapshot.devices.map(({ driver }) => driver)).not.toContain('gone')
    for (const { message } of [...effectsOf(snapshot).values()].flat()) {
      expect(message).not.toMatch(/\p{Cc}/u)
    }
  })

  test('is nothing where nothing was captured', async () => {
    const { blocks, displays, virtualMachines, devices, named } = await snapshotOf(system)
    expect({ blocks, displays, virtualMachines, devices, named }).toEqual({
      blocks: [],
      displays: [],
      virtualMachines: [],
      devices: [],
      named: [],
    })
  })

  test.each([0, 1, 7, 30, 60, 100])('half a table of algorithms, %d bytes', async (length) => {
    const text = 'name : a\ndriver : b\nmodule : m\nrefcnt : 2\n\nname : c\nmodule : n\nrefcnt : 9'
    system.write('proc/crypto', text.slice(0, length))
    const { named } = await snapshotOf(system)
    expect(named.every(({ references }) => references! > 0)).toBe(true)
  })
})

describe('a virtual machine', () => {
  test('that cannot be seen is told by the references', async () => {
    system.write('sys/module/kvm_amd/initstate', 'live\n').write('sys/module/kvm_amd/refcnt', '3\n')
    const phrase = expect.stringMatching(/^virtual machines:/) as string
    expect((await snapshotOf(system, {}, false)).unreadable).toContainEqual(phrase)
    expect((await snapshotOf(system, {}, true)).unreadable).not.toContainEqual(phrase)
    system.write('sys/module/kvm_amd/refcnt', '0\n')
    expect((await snapshotOf(system, {}, false)).unreadable).not.toContainEqual(phrase)
  })
})

test('a watchdog holds its driver', async () => {
  sysfs.char('virtual/misc/watchdog', '10:130', 'watchdog')
  const device = 'platform/iTCO_wdt.1'
  sysfs.device(device, { bus: 'platform', name: 'iTCO_wdt', module: 'iTCO_wdt' })
  sysfs.classDevice('watchdog', `${device}/watchdog/watchdog0`)
  system.write('proc/5/comm', 'wd\n').link('/dev/watchdog', 'proc/5/fd/3')
  const { openDevices } = await snapshotOf(system)
  expect(openDevices).toMatchObject([{ path: '/dev/watchdog', modules: ['iTCO_wdt'] }])
})
