/** The snapshot of a captured system: mounts and what is below them, interfaces, open devices. */
import { KmodError } from '../../lib/contract/errors'
import { mountUsers } from '../../lib/explain/mount'
import { processUsers } from '../../lib/explain/process'
import { effectsOf } from '../../lib/guard/effects'
import type { ModuleIndex } from '../../lib/kernel/module-index'
import type { Mount, NetworkInterface, Snapshot } from '../../lib/kernel/snapshot'
import type { SystemFiles } from '../../lib/kernel/system-files'
import { buildSnapshot } from '../../lib/snapshot/build'
import type { RawSurvey } from '../../lib/snapshot/system/raw-survey'
import { aliasIndex, filesOf, surveyOf } from '../support/captured-snapshot'
import { CapturedSystem } from '../support/captured-system'
import { CONTAINER_PID, fillLaptop, LAPTOP_ALIASES } from '../support/laptop'
import { loaded, rawLink, survey as emptySurvey } from '../support/snapshots'
import { SysfsWriter } from '../support/sysfs'

let system: CapturedSystem
let lookups: string[][]
beforeEach(() => {
  system = new CapturedSystem()
  lookups = []
})
afterEach(() => system.remove())

/** Records the aliases that each call asks for. */
function index(aliases: Readonly<Record<string, string>> = LAPTOP_ALIASES): ModuleIndex {
  const plain = aliasIndex(aliases)
  return {
    ...plain,
    lookup: (asked) => {
      lookups.push([...asked])
      return plain.lookup(asked)
    },
  }
}

function survey(users = true): Promise<RawSurvey> {
  return surveyOf(system, users)
}

function build(raw: RawSurvey, of = index()): Promise<Snapshot> {
  return buildSnapshot(raw, filesOf(system), of)
}

/** A survey of one mount namespace, with these lines of mountinfo. */
function mounted(...lines: string[]): RawSurvey {
  const text = lines.map((line) => `${line}\n`).join('')
  return emptySurvey({ mountTables: [{ pid: 1, own: true, first: true, text }] })
}

describe('a laptop', () => {
  let laptop: Snapshot
  beforeEach(async () => {
    fillLaptop(system)
    laptop = await build(await survey())
  })
  const mountAt = (path: string, pid = 3001): Mount =>
    laptop.mounts.find((mount) => mount.path === path && mount.pid === pid)!
  const interfaceOf = (name: string): NetworkInterface =>
    laptop.interfaces.find((one) => one.name === name)!

  /** The root file system is encrypted, on NVMe. The driver of its PCI Express port is compiled in. */
  const ROOT_DISK = ['dm_crypt', 'dm_mod', 'nvme']
  const STICK = ['sd_mod', 'usb_storage', 'usbcore', 'xhci_pci']

  test('has the mounts of two namespaces, each once', () => {
    expect(laptop.mounts).toHaveLength(14)
    expect(new Set(laptop.mounts.map(({ pid }) => pid))).toEqual(new Set([3001, CONTAINER_PID]))
    expect(laptop.mounts.filter(({ own }) => own)).toHaveLength(11)
    expect(laptop.mounts.filter(({ isRoot }) => isRoot)).toEqual([mountAt('/')])
  })

  test('has a root on a mapping, a partition, a disk and a bus', () => {
    const { modules, below, superblock, source } = mountAt('/')
    expect({ superblock, source }).toEqual({
      superblock: '254:0',
      source: '/dev/mapper/nvme0n1p3_crypt',
    })
    expect(modules).toEqual(['ext4'])
    expect(below.sort()).toEqual(ROOT_DISK)
  })

  test('has a plain partition on the disk', () => {
    expect(mountAt('/boot').below).toEqual(['nvme'])
    expect(mountAt('/boot/efi')).toMatchObject({ modules: ['vfat'], below: ['nvme'] })
  })

  test('has a USB stick on SCSI, USB and a controller', () => {
    const { modules, below } = mountAt('/media/anna/MY STICK')
    expect(modules).toEqual(['vfat'])
    expect(below.sort()).toEqual(STICK)
  })

  test('has a loop mount on the file system that contains its file', () => {
    expect(mountAt('/snap/core22/1380').modules).toEqual(['squashfs'])
    expect(mountAt('/snap/core22/1380').below.sort()).toEqual(['ext4', 'loop', ...ROOT_DISK].sort())
    // In newer kernels ext4 provides ext2, which the index shows.
    expect(mountAt('/mnt/image').modules).toEqual(['ext4'])
    expect(mountAt('/mnt/image').below.sort()).toEqual(['loop', 'vfat', ...STICK].sort())
  })

  test('has an overlay on the file systems of its folders', () => {
    const { modules, below, own, isRoot } = mountAt('/', CONTAINER_PID)
    expect({ own, isRoot }).toEqual({ own: false, isRoot: false })
    expect(modules).toEqual(['overlay'])
    expect(below.sort()).toEqual(['ext4', ...ROOT_DISK].sort())
  })

  test('has nothing below a pseudo file system', () => {
    expect(mountAt('/sys')).toMatchObject({ modules: ['sysfs'], below: [] })
  })

  test('has a device and a file as swap areas', () => {
    const [device, file] = laptop.swaps
    expect(device).toEqual({ path: '/dev/zram0', below: ['zram'] })
    expect(file!.path).toBe('/var/swap file')
    expect(file!.below.sort()).toEqual(['ext4', ...ROOT_DISK].sort())
    expect(laptop.swaps).toHaveLength(2)
  })

  test('has interfaces with the modules of their hardware or of their kind', () => {
    expect(laptop.interfaces.map(({ name }) => name).sort()).toEqual(
      ['br0', 'enp0s31f6', 'enp0s31f6.20', 'lo', 'tun0', 'veth1a2b', 'wlp0s20f3'].sort(),
    )
    expect(interfaceOf('enp0s31f6')).toEqual({
      name: 'enp0s31f6',
      netns: null,
      up: true,
      type: null,
      master: null,
      lower: [],
      hasDefaultRoute: true,
      modules: ['e1000e'],
    })
    expect(interfaceOf('wlp0s20f3')).toMatchObject({ up: false, type: null, modules: ['iwlwifi'] })
    expect(interfaceOf('enp0s31f6.20')).toMatchObject({
      type: 'vlan',
      master: 'br0',
      lower: ['enp0s31f6'],
      hasDefaultRoute: false,
      modules: ['8021q'],
    })
    expect(interfaceOf('br0')).toMatchObject({
      type: 'bridge',
      master: null,
      lower: ['enp0s31f6.20', 'veth1a2b'],
      hasDefaultRoute: true,
      modules: ['bridge'],
    })
    expect(interfaceOf('tun0')).toMatchObject({ type: 'tun', modules: ['tun'] })
    expect(interfaceOf('lo')).toMatchObject({ up: true, hasDefaultRoute: false, modules: [] })
  })

  test('reports the interface whose kind /sys does not show', () => {
    expect(interfaceOf('veth1a2b')).toMatchObject({ type: null, master: 'br0', modules: [] })
    expect(laptop.unreadable).toEqual([expect.stringContaining('veth1a2b')])
  })

  test('has open devices with the modules that an open file refers to', () => {
    const open = laptop.openDevices.map(({ pid, path, modules }) => ({ pid, path, modules }))
    const some = [640, 812]
    expect(open.filter(({ pid, modules }) => some.includes(pid) && modules.length > 0)).toEqual([
      { pid: 640, path: '/dev/snd/controlC0', modules: ['snd_hda_intel', 'snd'] },
      { pid: 812, path: '/dev/net/tun', modules: ['tun'] },
    ])
    expect(laptop.openDevices.find(({ pid }) => pid === 812)).toEqual({
      pid: 812,
      comm: 'openvpn',
      self: false,
      path: '/dev/net/tun',
      fd: 5,
      modules: ['tun'],
    })
  })

  test('has no open devices in a survey without users', async () => {
    expect((await build(await survey(false))).openDevices).toEqual([])
  })

  test('asks the index once without users, and never twice for an alias', async () => {
    expect(new Set(lookups.flat()).size).toBe(lookups.flat().length)
    lookups = []
    await build(await survey(false))
    expect(lookups).toHaveLength(1)
  })

  test('reads many files with each call', async () => {
    const files = filesOf(system)
    let calls = 0
    let paths = 0
    const count = (asked: readonly string[]): readonly string[] => {
      calls++
      paths += asked.length
      return asked
    }
    const counting: SystemFiles = {
      readLinks: (asked) => files.readLinks(count(asked)),
      readTexts: (asked) => files.readTexts(count(asked)),
      readBytes: (asked) => files.readBytes(count(asked)),
      listNames: (asked) => files.listNames(count(asked)),
    }
    await buildSnapshot(await survey(), counting, index())
    // The number of calls depends on the order of the answers. Without batches, calls equal paths.
    expect(calls * 5).toBeLessThan(paths)
  })

  test('has effects for each module that something depends on', () => {
    const effects = effectsOf(laptop)
    const of = (module: string): string[] =>
      (effects.get(module) ?? []).map(({ kind, subject }) => `${kind}:${subject}`).sort()
    expect(of('dm_crypt')).toEqual(
      // The root of the container lies on the root of the machine.
      [
        'root-filesystem:/',
        'filesystem:/',
        'filesystem:/snap/core22/1380',
        'swap:/var/swap file',
      ].sort(),
    )
    expect(of('xhci_pci')).toEqual(
      ['filesystem:/media/anna/MY STICK', 'filesystem:/mnt/image'].sort(),
    )
    expect(of('zram')).toEqual(['swap:/dev/zram0'])
    // It has a default route, and is below the bridge, which has another one.
    expect(of('e1000e')).toEqual([
      'default-route:br0',
      'default-route:enp0s31f6',
      'interface:enp0s31f6',
      'session:enp0s31f6',
    ])
    expect(of('8021q')).toEqual(['default-route:br0', 'interface:enp0s31f6.20'])
    expect(of('bridge')).toEqual(['default-route:br0', 'interface:br0'])
    expect(of('tun')).toEqual(['interface:tun0'])
    expect(of('iwlwifi')).toEqual(['interface:wlp0s20f3'])
    expect(of('snd')).toEqual([])
  })

  test('has the effect on an overlay at the path of the overlay', () => {
    expect(effectsOf(laptop).get('overlay')).toMatchObject([{ kind: 'filesystem', subject: '/' }])
  })

  test('has mounts and processes as users of modules', () => {
    const users = mountUsers(loaded('vfat', 2), laptop)
    expect(users).toMatchObject([
      { path: '/boot/efi', references: 1, release: { command: ['umount', '/boot/efi'] } },
      { path: '/media/anna/MY STICK', source: '/dev/sda1', references: 1 },
    ])
    expect(mountUsers(loaded('overlay', 1), laptop)).toMatchObject([
      {
        path: '/',
        pid: CONTAINER_PID,
        release: { command: ['nsenter', '-t', String(CONTAINER_PID), '-m', 'umount', '/'] },
      },
    ])
    expect(processUsers(loaded('tun', 2), laptop)).toMatchObject([{ pid: 812, comm: 'openvpn' }])
  })
})

describe('a server', () => {
  let sysfs: SysfsWriter
  beforeEach(() => (sysfs = new SysfsWriter(system)))
  const below = async (line: string): Promise<string[]> =>
    (await build(mounted(line))).mounts[0]!.below.sort()

  /** Disk N, on a separate SATA controller. */
  function sata(number: number): string {
    const controller = `pci0000:00/0000:00:17.${number}`
    sysfs.device(controller, { bus: 'pci', name: `ahci${number}`, module: `ahci${number}` })
    const unit = `${controller}/ata1/host0/target0:0:0/0:0:0:${number}`
    sysfs.device(unit, { bus: 'scsi', name: 'sd', module: 'sd_mod' })
    return sysfs.block(`${unit}/block/sd${'abcdef'[number]}`, `8:${number * 16}`)
  }

  test.each([
    ['raid1', 'raid1'],
    ['raid5', 'raid456'],
    ['raid10', 'raid10'],
    ['linear', 'linear'],
  ])('with a file system on a partition of a %s over two disks', async (level, module) => {
    const raid = sysfs.block('virtual/block/md127', '9:127', { 'md/level': `${level}\n` })
    sysfs.slave(raid, sata(0))
    sysfs.slave(raid, sata(1))
    sysfs.block('virtual/block/md127/md127p1', '259:0')
    expect(await below('1 1 259:0 / / rw - xfs /dev/md127p1 rw')).toEqual(
      ['ahci0', 'ahci1', 'md_mod', 'sd_mod', module].sort(),
    )
  })

  test('with LVM on LUKS', async () => {
    const crypt = sysfs.block('virtual/block/dm-0', '254:0', { 'dm/uuid': 'CRYPT-LUKS1-ab-c\n' })
    sysfs.slave(crypt, sata(0))
    const volume = sysfs.block('virtual/block/dm-1', '254:1', { 'dm/uuid': 'LVM-abc\n' })
    sysfs.slave(volume, crypt)
    expect(await below('1 1 254:1 / / rw - xfs /dev/mapper/vg-root rw')).toEqual(
      ['ahci0', 'dm_crypt', 'dm_mod', 'sd_mod'].sort(),
    )
  })

  test('with devices that claim to lie on each other', async () => {
    const one = sysfs.block('virtual/block/dm-0', '254:0')
    const other = sysfs.block('virtual/block/dm-1', '254:1')
    sysfs.slave(one, other)
    sysfs.slave(other, one)
    expect(await below('1 1 254:1 / / rw - xfs /dev/dm-1 rw')).toEqual(['dm_mod'])
  })

  // The device number of a btrfs does not belong to any device.
  test('with btrfs, whose device is found by its source', async () => {
    sata(0)
    expect(await below('1 1 0:25 /@ / rw - btrfs /dev/sda rw,subvol=/@')).toEqual(
      ['ahci0', 'sd_mod'].sort(),
    )
  })

  test('with btrfs on a mapping, where /dev was not captured', async () => {
    const crypt = sysfs.block('virtual/block/dm-3', '254:3', {
      'dm/name': 'root\n',
      'dm/uuid': 'CRYPT-LUKS2-ab-root\n',
    })
    sysfs.slave(crypt, sata(0))
    const expected = ['ahci0', 'dm_crypt', 'dm_mod', 'sd_mod']
    expect(await below('1 1 0:25 /@ / rw - btrfs /dev/mapper/root rw')).toEqual(expected)
    system.link('../dm-3', 'dev/mapper/other')
    expect(await below('1 1 0:25 /@ / rw - btrfs /dev/mapper/other rw')).toEqual(expected)
  })

  test('with btrfs on two disks', async () => {
    for (const [name, folder] of [
      ['sda', sata(0)],
      ['sdb', sata(1)],
    ] as const) {
      const path = `/sys/fs/btrfs/0123-45/devices/${name}`
      system.link(`../../../../${folder.replace('/sys/', '')}`, path)
    }
    system.write('/sys/fs/btrfs/features/raid56', '0\n')
    expect(await below('1 1 0:25 / / rw - btrfs /dev/sda rw')).toEqual(
      ['ahci0', 'ahci1', 'sd_mod'].sort(),
    )
  })

  test('with NVMe on two controllers', async () => {
    for (const [path, module] of [
      ['pci0000:00/0000:01:00.0', 'nvme'],
      ['virtual/nvme-fabrics/ctl', 'nvme_tcp'],
    ] as const) {
      sysfs.device(path, { bus: 'x', name: module, module })
    }
    sysfs.block('virtual/nvme-subsystem/nvme-subsys0/nvme0n1', '259:0')
    sysfs.block('virtual/nvme-subsystem/nvme-subsys0/nvme0n1/nvme0n1p1', '259:1')
    const subsystem = '/sys/devices/virtual/nvme-subsystem/nvme-subsys0'
    system
      .write('/sys/devices/pci0000:00/0000:01:00.0/nvme/nvme0/state', 'live\n')
      .write('/sys/devices/virtual/nvme-fabrics/ctl/nvme1/state', 'live\n')
      .link('../../../pci0000:00/0000:01:00.0/nvme/nvme0', `${subsystem}/nvme0`)
      .link('../../nvme-fabrics/ctl/nvme1', `${subsystem}/nvme1`)
    expect(await below('1 1 259:1 / / rw - xfs /dev/nvme0n1p1 rw')).toEqual(['nvme', 'nvme_tcp'])
  })

  test('with an overlay that is mounted over its own folders', async () => {
    expect(
      await below('1 1 0:30 / / rw - overlay overlay rw,lowerdir=/lower,upperdir=/memory/upper'),
    ).toEqual([])
  })

  test('with network and FUSE file systems', async () => {
    const { mounts } = await build(
      mounted(
        '1 1 0:70 / /n rw - nfs4 server:/export rw',
        '1 1 0:71 / /f rw - fuse.sshfs me@far: rw',
        '1 1 0:72 / /9 rw - 9p share rw,trans=virtio',
      ),
      index({ 'fs-nfs4': 'nfsv4', 'fs-fuse': 'fuse' }),
    )
    expect(mounts.map(({ modules }) => modules)).toEqual([
      ['nfsv4'],
      ['fuse'],
      ['9p', '9pnet_virtio'],
    ])
    expect(mounts.flatMap((mount) => mount.below)).toEqual([])
    expect(lookups.flat()).toContain('fs-fuse')
  })

  test('with interfaces in several namespaces', async () => {
    const virtio = 'pci0000:00/0000:00:03.0/virtio0'
    sysfs.device('pci0000:00/0000:00:03.0', {
      bus: 'pci',
      name: 'virtio-pci',
      module: 'virtio_pci',
    })
    sysfs.device(virtio, { bus: 'virtio', name: 'virtio_net', module: 'virtio_net' })
    const netns = '/run/netns/blue'
    const { interfaces } = await build(
      emptySurvey({
        links: [
          rawLink(2, 'eth0', { bus: 'virtio', device: 'virtio0' }),
          rawLink(3, 'v0', { kind: 'veth', lower: 2 }),
          rawLink(2, 'v1', { netns, kind: 'veth', lower: 3, master: 9 }),
          rawLink(3, 'v1.7', { netns, kind: 'vlan', lower: 2 }),
          rawLink(9, 'bond9', { netns, kind: 'bond' }),
        ],
        defaultRoutes: [{ netns, index: 3 }],
      }),
      index({ 'rtnl-link-vlan': '8021q', 'rtnl-link-bond': 'bonding' }),
    )
    const short = interfaces.map(({ name, master, lower, hasDefaultRoute, modules }) => ({
      name,
      master,
      lower,
      hasDefaultRoute,
      modules,
    }))
    const plain = { master: null, lower: [] as string[], hasDefaultRoute: false }
    expect(short).toEqual([
      { ...plain, name: 'eth0', modules: ['virtio_net', 'virtio_pci'] },
      // IFLA_LINK of a veth is the other end, which is not below it.
      { ...plain, name: 'v0', modules: ['veth'] },
      { ...plain, name: 'v1', master: 'bond9', modules: ['veth'] },
      { ...plain, name: 'v1.7', lower: [`${netns}/v1`], hasDefaultRoute: true, modules: ['8021q'] },
      { ...plain, name: 'bond9', lower: [`${netns}/v1`], modules: ['bonding'] },
    ])
  })
})

describe('a module index that cannot be read', () => {
  beforeEach(() => fillLaptop(system))

  test('is reported; modules are assumed to have the names of types and kinds', async () => {
    const failing = index()
    failing.lookup = () => Promise.reject(new KmodError('ERR_KMOD_FORMAT', 'It is damaged.'))
    const { mounts, interfaces, openDevices, unreadable } = await build(await survey(), failing)
    expect(mounts.find(({ path }) => path === '/')!.modules).toEqual(['ext4'])
    expect(mounts.find(({ path }) => path === '/')!.below).toContain('nvme')
    expect(interfaces.find(({ name }) => name === 'br0')!.modules).toEqual(['bridge'])
    const audio = openDevices.find(({ path }) => path === '/dev/snd/controlC0')
    expect(audio!.modules).toEqual(['snd_hda_intel'])
    expect(unreadable).toContainEqual('the module index: It is damaged.')
  })

  test('is not the same as a defect of this program, which rejects', async () => {
    const broken = index()
    broken.lookup = () => Promise.reject(new RangeError('defect'))
    await expect(survey().then((raw) => build(raw, broken))).rejects.toThrow('defect')
  })

  test('is not the same as a defect in the reading of files, which rejects', async () => {
    const broken: SystemFiles = {
      ...filesOf(system),
      readLinks: () => Promise.reject(new Error('defect')),
    }
    const building = buildSnapshot(await survey(), broken, index())
    await expect(building).rejects.toThrow('defect')
  })
})

describe('what was not captured', () => {
  test('is reported as unreadable', async () => {
    const { unreadable, users, allProcessesRead, ...lists } = await survey()
    expect([users, allProcessesRead]).toEqual([true, false])
    for (const list of Object.values(lists)) expect(list).toEqual([])
    for (const part of [
      '/proc/PID/mountinfo',
      '/sys/class/net',
      '/proc/net/route',
      '/proc/net/fib_trie',
      '/proc/net/tcp',
      '/proc/net/protocols',
      '/proc/PID/fd',
      '/proc/swaps',
      '/sys/dev/block',
    ]) {
      expect(unreadable).toContainEqual(expect.stringContaining(part))
    }
    expect(await build(emptySurvey({ unreadable }))).toMatchObject({ mounts: [], unreadable })
  })

  test('of mountinfo is replaced by /proc/mounts', async () => {
    const sysfs = new SysfsWriter(system)
    sysfs.device('pci0000:00/0000:00:17.0', { bus: 'pci', name: 'ahci', module: 'ahci' })
    sysfs.block('pci0000:00/0000:00:17.0/ata1/block/sda/sda1', '8:1')
    system.write(
      'proc/mounts',
      'proc /proc proc rw 0 0\n/dev/sda1 / ext4 rw,errors=remount-ro 0 0\n' +
        '/dev/sda1 /with\\040blank ext4 rw 0 0\ntmpfs /tmp tmpfs rw 0 0\n',
    )
    const { mounts } = await build(await survey())
    expect(mounts.map(({ path }) => path)).toEqual(['/proc', '/', '/with blank', '/tmp'])
    expect(mounts[1]).toMatchObject({ isRoot: true, own: true, modules: ['ext4'], below: ['ahci'] })
    expect(mounts[2]!.superblock).toBe(mounts[1]!.superblock)
    expect(new Set(mounts.map(({ superblock }) => superblock)).size).toBe(3)
  })

  test('of /proc/PID/ns is replaced by a comparison of the mount tables', async () => {
    const root = '1 1 8:1 / / rw - ext4 /dev/sda1 rw\n'
    system
      .write('proc/1/mountinfo', root)
      .write('proc/20/mountinfo', root)
      .write('proc/30/mountinfo', `${root}2 1 8:2 / /a rw - ext4 /dev/sda2 rw\n`)
    const { mountTables } = await survey()
    expect(mountTables.map(({ pid, own, first }) => ({ pid, own, first }))).toEqual([
      { pid: 1, own: true, first: true },
      { pid: 30, own: false, first: false },
    ])
  })

  test('of the processes: only the capturing process is known', async () => {
    system
      .write('proc/self/stat', '4711 (tar) R 1 1 1\n')
      .write('proc/self/mountinfo', '1 1 8:1 / / rw - ext4 /dev/sda1 rw\n')
    expect((await survey()).mountTables).toMatchObject([{ pid: 4711, own: true, first: true }])
  })

  test('of the network includes the interfaces of other namespaces', async () => {
    system.link('net:[1]', 'proc/1/ns/net').link('net:[2]', 'proc/2/ns/net')
    expect((await survey()).unreadable).toContainEqual(
      expect.stringMatching(/interfaces of other namespaces/),
    )
  })
})
