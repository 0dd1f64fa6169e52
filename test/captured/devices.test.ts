/** Devices, disks, displays and sound of a captured system. */
import type { User } from '../../lib/contract/types'
import { findUsers } from '../../lib/explain/users'
import { effectsOf } from '../../lib/guard/effects'
import type { BlockDevice, Snapshot } from '../../lib/kernel/snapshot'
import { snapshotOf } from '../support/captured-snapshot'
import { CapturedSystem } from '../support/captured-system'
import { fillLaptop, LAPTOP_ALIASES } from '../support/laptop'
import { loaded } from '../support/snapshots'
import { SysfsWriter } from '../support/sysfs'

let system: CapturedSystem
let sysfs: SysfsWriter
beforeEach(() => {
  system = new CapturedSystem()
  sysfs = new SysfsWriter(system)
})
afterEach(() => system.remove())

/** The users of one kind that a module has. */
function users<Kind extends User['kind']>(
  snapshot: Snapshot,
  module: string,
  kind: Kind,
): (User & { kind: Kind })[] {
  return findUsers(loaded(module), snapshot).filter(
    (user): user is User & { kind: Kind } => user.kind === kind,
  )
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
  const block = (path: string): BlockDevice | undefined =>
    laptop.blocks.find((one) => one.path === path)
  const blockCommand = (module: string, path: string): string[] | null | undefined =>
    users(laptop, module, 'block').find((user) => user.path === path)?.release.command

  test('has devices that are bound to drivers of loaded modules', () => {
    expect(laptop.boundDevices).toContainEqual({
      bus: 'pci',
      device: '0000:00:1f.6',
      driver: 'e1000e',
      modules: ['e1000e'],
    })
    // The folder of the driver also has a link to the module, which is no device.
    expect(users(laptop, 'usbcore', 'device')).toMatchObject([
      { kind: 'device', bus: 'usb', device: '2-1', driver: 'usb', references: 0 },
      { device: 'usb2', release: { command: null } },
    ])
    expect(laptop.boundDevices.map(({ driver }) => driver)).not.toContain('pcieport')
  })

  test('has the block devices that are set up, with what is on their partitions', () => {
    expect(laptop.blocks.map(({ path }) => path).sort()).toEqual(
      ['/dev/dm-0', '/dev/loop0', '/dev/loop1', '/dev/nvme0n1', '/dev/sda', '/dev/zram0'].sort(),
    )
    expect(block('/dev/nvme0n1')).toEqual({
      path: '/dev/nvme0n1',
      mapping: null,
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
      usedBy: ['/media/anna/MY STICK/disk image', '/mnt/image'],
      modules: ['loop'],
    })
    expect([...block('/dev/loop1')!.below].sort()).toEqual(
      ['sd_mod', 'usb_storage', 'usbcore', 'vfat', 'xhci_pci'].sort(),
    )
    expect(block('/dev/zram0')).toMatchObject({ usedBy: ['swap'] })
  })

  test('has the command that detaches each block device', () => {
    expect(blockCommand('nvme', '/dev/nvme0n1')).toBeNull()
    expect(blockCommand('dm_mod', '/dev/dm-0')).toEqual(['cryptsetup', 'close', 'nvme0n1p3_crypt'])
    expect(blockCommand('loop', '/dev/loop1')).toEqual(['losetup', '-d', '/dev/loop1'])
    expect(blockCommand('zram', '/dev/zram0')).toEqual(['zramctl', '--reset', '/dev/zram0'])
  })

  test('has the references of block devices that are known', () => {
    const references = (module: string): unknown[] =>
      users(laptop, module, 'block').map((user) => [user.path, user.references])
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
    expect(users(laptop, 'zram', 'swap')).toMatchObject([
      { path: '/dev/zram0', references: 1, release: { command: ['swapoff', '/dev/zram0'] } },
    ])
    expect(users(laptop, 'ext4', 'swap')).toMatchObject([{ path: '/var/swap file', references: 0 }])
  })

  test('has one display that is on, and the text console on the same card', () => {
    expect(laptop.displays).toEqual([{ name: 'card0-eDP-1', modules: ['i915'] }])
    expect(effectsOf(laptop).get('i915')).toMatchObject([
      { kind: 'display', severity: 'critical', subject: 'card0-eDP-1' },
    ])
    expect(users(laptop, 'i915', 'console')).toMatchObject([
      { kind: 'console', name: 'fb0', value: 'bound', references: 0 },
    ])
  })

  test('has a sound card that plays', () => {
    expect(users(laptop, 'snd_hda_intel', 'sound')).toMatchObject([
      { kind: 'sound', name: 'card0 (PCH)', value: 'open by 640', references: 0 },
    ])
  })

  test('has an algorithm in use, and one that is only registered', () => {
    expect(users(laptop, 'rmd160', 'crypto')).toMatchObject([
      { name: 'rmd160-generic', value: 'rmd160', references: 2 },
    ])
    expect(users(laptop, 'crc32c_intel', 'crypto')).toEqual([])
    expect(laptop.algorithms.map(({ driver }) => driver)).toEqual([
      'rmd160-generic',
      'crc32c-intel',
    ])
  })

  test('has a line discipline and a binary format', () => {
    expect(users(laptop, 'n_gsm', 'tty')).toMatchObject([
      { name: 'n_gsm', value: 'line discipline 21', references: null },
    ])
    expect(laptop.lineDisciplines).toHaveLength(1)
    expect(users(laptop, 'binfmt_misc', 'binfmt')).toMatchObject([
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
      users(laptop, module, 'process').map(({ path }) => path)
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
    expect(users(laptop, 'evdev', 'process')).toMatchObject([
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

describe('devices of ACPI and PNP, whose drivers set no owner', () => {
  const modules = (snapshot: Snapshot): unknown[] =>
    snapshot.boundDevices.map(({ device, driver, modules: all }) => [device, driver, ...all])
  beforeEach(() => {
    const table = ['button', 'parport_pc', 'battery', 'idle']
    system.write('proc/modules', table.map((name) => `${name} 1 0 - Live 0x0\n`).join(''))
    const device = (
      bus: string,
      name: string,
      driver: string,
      file: string,
      text: string,
    ): void => {
      const folder = sysfs.device(`virtual/${bus}/${name}`, { bus, name: driver, module: null })
      system.write(`${folder}/${file}`, text)
    }
    device('acpi', 'LNXPWRBN:00', 'button', 'modalias', 'acpi:LNXPWRBN:\n')
    device('acpi', 'LNXTHERM:00', 'thermal', 'modalias', 'acpi:LNXTHERM:\n')
    device('pnp', '00:03', 'parport_pc', 'id', 'PNP0400\nPNP0401\n')
    sysfs.device('virtual/acpi/PNP0C0A:00', { bus: 'acpi', name: 'battery', module: 'battery' })
  })
  const ALIASES = {
    'acpi:LNXPWRBN:*': 'button',
    'acpi:LNXTHERM:*': 'thermal',
    'pnp:dPNP0401*': 'parport_pc',
  }

  test('are found by what they call themselves, also without users', async () => {
    const snapshot = await snapshotOf(system, ALIASES, false)
    expect(modules(snapshot).sort()).toEqual([
      ['00:03', 'parport_pc', 'parport_pc'],
      ['LNXPWRBN:00', 'button', 'button'],
      ['PNP0C0A:00', 'battery', 'battery'],
    ])
  })
})

describe('keyboards', () => {
  /** KEY_ESC to KEY_D and more; the second is what a power button has. */
  const LETTERS = '402000007 ff9f207ac14057ff febeffdfffefffff fffffffffffffffe\n'
  const POWER = '10000000000000 0\n'
  const input = (path: string, name: string, keys: string): void => {
    const files = { 'capabilities/key': keys, name: `${name}\n` }
    sysfs.classDevice('input', path, files)
  }

  test('are the input devices with letters that have a driver', async () => {
    const controller = 'pci0000:00/0000:00:14.0'
    sysfs.device(controller, { bus: 'pci', name: 'xhci_hcd', module: 'xhci_pci' })
    const port = `${controller}/usb2/2-1/2-1:1.0`
    sysfs.device(port, { bus: 'usb', name: 'usbhid', module: 'usbhid' })
    const hid = `${port}/0003:046D:C31C.0001`
    sysfs.device(hid, { bus: 'hid', name: 'hid-generic', module: 'hid_generic' })
    input(`${hid}/input/input5`, 'Logitech USB Keyboard', LETTERS)
    input('LNXSYSTM:00/LNXPWRBN:00/input/input0', 'Power Button', POWER)
    input('virtual/input/input9', 'made by a program', LETTERS)
    const snapshot = await snapshotOf(system, {}, false)
    expect(snapshot.keyboards).toEqual([
      {
        input: 'input5',
        name: 'Logitech USB Keyboard',
        modules: ['hid_generic', 'usbhid', 'xhci_pci'],
      },
    ])
    expect(effects(snapshot, 'xhci_pci')).toEqual(['input:input5'])
  })
})

describe('disks', () => {
  /** A disk on an iSCSI session, which no driver link shows. */
  function iscsi(): string {
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

  test('without a file system on them have an effect of their own', async () => {
    sata()
    const snapshot = await snapshotOf(system)
    expect(effectsOf(snapshot).get('ahci')).toEqual([
      {
        kind: 'storage',
        severity: 'disruptive',
        module: 'ahci',
        subject: '/dev/sda',
        message: 'The block device /dev/sda would be removed.',
      },
    ])
    expect(effects(snapshot, 'sd_mod')).toEqual(['storage:/dev/sda'])
  })

  test('below LVM on LUKS, down to the controller, have the file system as their effect', async () => {
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
    const volumes = users(used, 'dm_mod', 'block').filter(({ path }) => path === '/dev/dm-1')
    expect(volumes).toMatchObject([{ release: { command: ['dmsetup', 'remove', 'vg-data'] } }])
  })

  test('below a loop device are used by it', async () => {
    sata()
    sysfs.block('virtual/block/loop3', '7:3', { 'loop/backing_file': '/dev/sda\n' })
    mounts('1 1 0:2 / / rw - tmpfs none rw', '2 1 7:3 / /mnt rw - ext4 /dev/loop3 rw')
    const snapshot = await snapshotOf(system)
    expect(effects(snapshot, 'loop')).toEqual(['filesystem:/mnt'])
    expect(effects(snapshot, 'ahci')).not.toContain('storage:/dev/loop3')
    expect(snapshot.blocks.find(({ path }) => path === '/dev/sda')!.usedBy).toEqual(['/dev/loop3'])
  })

  test('on iSCSI depend on its module', async () => {
    iscsi()
    mounts('1 1 8:16 / / rw - ext4 /dev/sdb rw')
    const snapshot = await snapshotOf(system)
    expect(effects(snapshot, 'iscsi_tcp')).toEqual(['root-filesystem:/'])
    expect(effects(snapshot, 'sd_mod')).toEqual(['root-filesystem:/'])
  })

  test('on NVMe over TCP depend on its module', async () => {
    sysfs.block('virtual/nvme-fabrics/ctl/nvme0/nvme0n1', '259:0')
    system.write('sys/devices/virtual/nvme-fabrics/ctl/nvme0/transport', 'tcp\n')
    mounts('1 1 259:0 / / rw - ext4 /dev/nvme0n1 rw')
    expect(effects(await snapshotOf(system), 'nvme_tcp')).toEqual(['root-filesystem:/'])
  })

  test('without a medium, or without a device file, are left out', async () => {
    sysfs.block('pci0000:00/0000:00:01.0/block/sdc', '8:32', { size: '0\n' })
    sysfs.block('pci0000:00/0000:00:02.0/nvme/nvme0/nvme0c0n1', '259:9', { hidden: '1\n' })
    sysfs.block('virtual/block/nbd0', '43:0')
    sysfs.block('virtual/block/nbd1', '43:16', { pid: '4711\n' })
    sysfs.block('virtual/block/md0', '9:0', { size: '0\n' })
    sysfs.block('pci0000:00/0000:00:03.0/cciss!c0d0', '104:0')
    const snapshot = await snapshotOf(system)
    expect(snapshot.blocks.map(({ path, usedBy }) => [path, usedBy])).toEqual([
      ['/dev/cciss/c0d0', []],
      ['/dev/nbd1', ['process 4711']],
    ])
    expect(users(snapshot, 'nbd', 'block')).toMatchObject([
      { release: { command: ['qemu-nbd', '-d', '/dev/nbd1'] } },
    ])
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

  test('on 9p depends on its transport and on the device with its tag', async () => {
    shared('9pnet_virtio')
    const snapshot = await root('1 1 0:20 / / rw - 9p host rw,access=client,trans=virtio')
    for (const module of ['9p', '9pnet_virtio', 'virtio_pci']) {
      expect(effects(snapshot, module)).toEqual(['root-filesystem:/'])
    }
    const other = await root('1 1 0:20 / / rw - 9p other rw,trans=virtio')
    expect(effects(other, '9pnet_virtio')).toEqual(['root-filesystem:/'])
    expect(effects(other, 'virtio_pci')).toEqual([])
  })

  test('on virtiofs depends on its device', async () => {
    shared('virtiofs')
    const snapshot = await root('1 1 0:20 / / rw - virtiofs host rw')
    expect(effects(snapshot, 'virtiofs')).toEqual(['root-filesystem:/'])
    expect(effects(snapshot, 'virtio_pci')).toEqual(['root-filesystem:/'])
  })

  test.each([
    ['vers=4.2', 'nfsv4'],
    ['vers=3', 'nfsv3'],
  ])('on NFS with %s depends on %s', async (option, module) => {
    const snapshot = await root(`1 1 0:20 / / rw - nfs4 server:/ rw,${option},rsize=1048576`)
    expect(effects(snapshot, module)).toEqual(['root-filesystem:/'])
    expect(effects(snapshot, 'nfs')).toEqual(['root-filesystem:/'])
  })

  test.each(['lowerdir=/lower,upperdir=/memory/upper', 'lowerdir=../a:../b,upperdir=/u'])(
    'on an overlay with %s is reported as partly unreadable',
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

  test('include the text console if its card has no connectors', async () => {
    frameBuffer('pci0000:00/0000:00:02.0', 'VESA VGA')
    const snapshot = await snapshotOf(system)
    expect(effects(snapshot, 'gpu')).toEqual(['display:fb0'])
    expect(users(snapshot, 'gpu', 'console')).toMatchObject([{ name: 'fb0', references: null }])
  })

  test('do not include the text console if no connector of its card has a monitor', async () => {
    const path = 'pci0000:00/0000:00:02.0'
    frameBuffer(path, 'gpudrmfb')
    const files = { status: 'disconnected\n', enabled: 'disabled\n' }
    sysfs.classDevice('drm', `${path}/drm/card0/card0-VGA-1`, files)
    expect(effects(await snapshotOf(system), 'gpu')).toEqual([])
  })
})

describe('files that are damaged or missing', () => {
  const noise = Buffer.from(Array.from({ length: 4096 }, (_, i) => (i * 97) % 256))

  test('do not cause an error', async () => {
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
    expect(snapshot.boundDevices.map(({ driver }) => driver)).not.toContain('gone')
    for (const { message } of [...effectsOf(snapshot).values()].flat()) {
      expect(message).not.toMatch(/\p{Cc}/u)
    }
  })

  test('leave the lists of a snapshot empty', async () => {
    const { unreadable, allProcessesRead, ...lists } = await snapshotOf(system)
    for (const list of Object.values(lists)) expect(list).toEqual([])
    expect(unreadable).not.toEqual([])
    expect(allProcessesRead).toBe(false)
  })

  test.each([
    [0, []],
    [30, []],
    [60, [2]],
    [100, [2, 9]],
  ])('are read up to their end: %d bytes of /proc/crypto', async (length, counts) => {
    const text = 'name : a\ndriver : b\nmodule : m\nrefcnt : 2\n\nname : c\nmodule : n\nrefcnt : 9'
    system.write('proc/crypto', text.slice(0, length))
    const { algorithms } = await snapshotOf(system)
    expect(algorithms.map(({ refCount }) => refCount)).toEqual(counts)
  })
})

describe('a virtual machine', () => {
  test('that cannot be seen is reported as unreadable if its module is referenced', async () => {
    system.write('sys/module/kvm_amd/initstate', 'live\n').write('sys/module/kvm_amd/refcnt', '3\n')
    const phrase = expect.stringMatching(/^virtual machines:/) as string
    expect((await snapshotOf(system, {}, false)).unreadable).toContainEqual(phrase)
    expect((await snapshotOf(system, {}, true)).unreadable).not.toContainEqual(phrase)
    system.write('sys/module/kvm_amd/refcnt', '0\n')
    expect((await snapshotOf(system, {}, false)).unreadable).not.toContainEqual(phrase)
  })
})

test('an open watchdog refers to its driver', async () => {
  sysfs.char('virtual/misc/watchdog', '10:130', 'watchdog')
  const device = 'platform/iTCO_wdt.1'
  sysfs.device(device, { bus: 'platform', name: 'iTCO_wdt', module: 'iTCO_wdt' })
  sysfs.classDevice('watchdog', `${device}/watchdog/watchdog0`)
  system.write('proc/5/comm', 'wd\n').link('/dev/watchdog', 'proc/5/fd/3')
  const { openDevices } = await snapshotOf(system)
  expect(openDevices).toMatchObject([{ path: '/dev/watchdog', modules: ['iTCO_wdt'] }])
})
