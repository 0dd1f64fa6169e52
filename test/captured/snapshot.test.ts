import { KmodError } from '../../lib/contract/errors'
import { mountUsers } from '../../lib/explain/mount'
import { processUsers } from '../../lib/explain/process'
import { effectsOf } from '../../lib/guard/effects'
import type { ModuleIndex } from '../../lib/kernel/module-index'
import type { Mount, NetworkInterface, Snapshot } from '../../lib/kernel/snapshot'
import { RootView } from '../../lib/captured/root-view'
import { buildSnapshot } from '../../lib/snapshot/build'
import { capturedFiles } from '../../lib/captured/captured-files'
import { capturedSurvey } from '../../lib/captured/captured-survey'
import type { SystemFiles } from '../../lib/kernel/system-files'
import type { RawSurvey } from '../../lib/snapshot/system/raw'
import type { LoadedModule } from '../../lib/contract/types'
import { CapturedSystem } from '../support/captured-system'
import { CONTAINER_PID, fillLaptop, LAPTOP_ALIASES } from '../support/laptop'
import { SysfsWriter } from '../support/sysfs'

let system: CapturedSystem
let lookups: string[][]
beforeEach(() => {
  system = new CapturedSystem()
  lookups = []
})
afterEach(() => system.remove())

/** Only looks aliases up. */
function index(aliases: Readonly<Record<string, string>> = LAPTOP_ALIASES): ModuleIndex {
  const never = (): never => {
    throw new Error('not asked for here')
  }
  const find = (alias: string): string[] =>
    Object.entries(aliases).flatMap(([pattern, module]) => {
      const prefix = pattern.replace(/\*$/, '')
      return alias === pattern || (prefix !== pattern && alias.startsWith(prefix)) ? [module] : []
    })
  return {
    find: never,
    policies: never,
    needs: never,
    describe: never,
    describeFile: never,
    lookup: (asked) => {
      lookups.push([...asked])
      return Promise.resolve(asked.map(find))
    },
  }
}

function survey(openDevices = true): Promise<RawSurvey> {
  return capturedSurvey(capturedFiles(new RootView(system.root)), openDevices)
}

function build(raw: RawSurvey, of = index(), users = true): Promise<Snapshot> {
  return buildSnapshot(raw, capturedFiles(new RootView(system.root)), of, { users })
}

const emptySurvey: RawSurvey = {
  mountTables: [],
  links: [],
  defaultRoutes: [],
  addresses: [],
  netFiles: [],
  trafficControl: [],
  nfTables: [],
  openDevices: [],
  unreadable: [],
}

/** A survey of one namespace, with these lines of mountinfo. */
function mounted(...lines: string[]): RawSurvey {
  const text = lines.map((line) => `${line}\n`).join('')
  return { ...emptySurvey, mountTables: [{ pid: 1, own: true, first: true, text }] }
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

  /** The root file system: encrypted, on NVMe behind a PCI Express port that is compiled in. */
  const ROOT_DISK = ['dm_crypt', 'dm_mod', 'nvme']
  const STICK = ['sd_mod', 'usb_storage', 'usbcore', 'xhci_pci']

  test('has its mounts from two namespaces, each once', () => {
    expect(laptop.mounts).toHaveLength(14)
    expect(new Set(laptop.mounts.map(({ pid }) => pid))).toEqual(new Set([3001, CONTAINER_PID]))
    expect(laptop.mounts.filter(({ own }) => own)).toHaveLength(11)
    expect(laptop.mounts.filter(({ isRoot }) => isRoot)).toEqual([mountAt('/')])
  })

  test('the root lies on a mapping, a partition, a disk and a bus', () => {
    const { modules, below, superblock, source } = mountAt('/')
    expect({ superblock, source }).toEqual({
      superblock: '254:0',
      source: '/dev/mapper/nvme0n1p3_crypt',
    })
    expect(modules).toEqual(['ext4'])
    expect(below.sort()).toEqual(ROOT_DISK)
  })

  test('a plain partition lies on the disk alone', () => {
    expect(mountAt('/boot').below).toEqual(['nvme'])
    expect(mountAt('/boot/efi')).toMatchObject({ modules: ['vfat'], below: ['nvme'] })
  })

  test('a USB stick lies on SCSI, USB and its controller', () => {
    const { modules, below } = mountAt('/media/anna/MY STICK')
    expect(modules).toEqual(['vfat'])
    expect(below.sort()).toEqual(STICK)
  })

  test('a loop mount lies on the file system that its file is in', () => {
    expect(mountAt('/snap/core22/1380').modules).toEqual(['squashfs'])
    expect(mountAt('/snap/core22/1380').below.sort()).toEqual(['ext4', 'loop', ...ROOT_DISK].sort())
    // ext2 is ext4 in new kernels; the index tells.
    expect(mountAt('/mnt/image').modules).toEqual(['ext4'])
    expect(mountAt('/mnt/image').below.sort()).toEqual(['loop', 'vfat', ...STICK].sort())
  })

  test('an overlay lies on the file systems of its folders', () => {
    const { modules, below, own, isRoot } = mountAt('/', CONTAINER_PID)
    expect({ own, isRoot }).toEqual({ own: false, isRoot: false })
    expect(modules).toEqual(['overlay'])
    expect(below.sort()).toEqual(['ext4', ...ROOT_DISK].sort())
  })

  test('a pseudo file system lies on nothing', () => {
    expect(mountAt('/sys')).toMatchObject({ modules: ['sysfs'], below: [] })
  })

  test('swap areas are a device and a file', () => {
    const [device, file] = laptop.swaps
    expect(device).toEqual({ path: '/dev/zram0', below: ['zram'] })
    expect(file!.path).toBe('/var/swap file')
    expect(file!.below.sort()).toEqual(['ext4', ...ROOT_DISK].sort())
    expect(laptop.swaps).toHaveLength(2)
  })

  test('interfaces have their hardware or their kind', () => {
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

  test('what /sys does not tell is told', () => {
    expect(interfaceOf('veth1a2b')).toMatchObject({ type: null, master: 'br0', modules: [] })
    expect(laptop.unreadable).toEqual([expect.stringContaining('veth1a2b')])
  })

  test('open devices have the modules that an open file refers to', () => {
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

  test('open devices are not looked at unasked', async () => {
    expect((await build(await survey(false))).openDevices).toEqual([])
  })

  test('the index is asked once for the guard, and no alias twice', async () => {
    expect(new Set(lookups.flat()).size).toBe(lookups.flat().length)
    lookups = []
    await build(await survey(false), index(), false)
    expect(lookups).toHaveLength(1)
  })

  test('few calls read all files', async () => {
    const files = capturedFiles(new RootView(system.root))
    let calls = 0
    let paths = 0
    const count = (asked: readonly string[]): readonly string[] => {
      calls++
      paths += asked.length
      return asked
    }
    const counting: SystemFiles = {
      readLinks: (asked) => files.readLinks(count(asked)),
      readFiles: (asked) => files.readFiles(count(asked)),
      list: (asked) => files.list(count(asked)),
    }
    await buildSnapshot(await survey(), counting, index(), { users: true })
    // How many depends on which answer comes first; one for each path would be ten times as many.
    expect(calls * 5).toBeLessThan(paths)
  })

  test('has effects on each module that something runs on', () => {
    const effects = effectsOf(laptop)
    const of = (module: string): string[] =>
      (effects.get(module) ?? []).map(({ kind, subject }) => `${kind}:${subject}`).sort()
    expect(of('dm_crypt')).toEqual(
      ['root-filesystem:/', 'filesystem:/snap/core22/1380', 'swap:/var/swap file'].sort(),
    )
    expect(of('xhci_pci')).toEqual(
      ['filesystem:/media/anna/MY STICK', 'filesystem:/mnt/image'].sort(),
    )
    expect(of('zram')).toEqual(['swap:/dev/zram0'])
    // It carries a default route itself, and lies under the bridge, which carries another.
    expect(of('e1000e')).toEqual(['default-route:br0', 'default-route:enp0s31f6'])
    expect(of('8021q')).toEqual(['default-route:br0', 'interface:enp0s31f6.20'])
    expect(of('bridge')).toEqual(['default-route:br0'])
    expect(of('tun')).toEqual(['interface:tun0'])
    expect(of('iwlwifi')).toEqual(['interface:wlp0s20f3'])
    expect(of('snd')).toEqual([])
  })

  test("an overlay's effect is on its own path", () => {
    expect(effectsOf(laptop).get('overlay')).toMatchObject([{ kind: 'filesystem', subject: '/' }])
  })

  test('has users of modules', () => {
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

function loaded(name: string, refCount: number): LoadedModule {
  return { name, size: 1, refCount, holders: [], state: 'live', permanent: false, taints: '' }
}

describe('a server', () => {
  let sysfs: SysfsWriter
  beforeEach(() => (sysfs = new SysfsWriter(system)))
  const below = async (line: string): Promise<string[]> =>
    (await build(mounted(line))).mounts[0]!.below.sort()

  /** Disk N, behind a SATA controller of its own. */
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
  ])('with %s of two disks, through a partition of it', async (level, module) => {
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

  test('with devices that claim to lie on each other ends the search', async () => {
    const one = sysfs.block('virtual/block/dm-0', '254:0')
    const other = sysfs.block('virtual/block/dm-1', '254:1')
    sysfs.slave(one, other)
    sysfs.slave(other, one)
    expect(await below('1 1 254:1 / / rw - xfs /dev/dm-1 rw')).toEqual(['dm_mod'])
  })

  // A btrfs has a number of its own, of no device.
  test('with btrfs, by its source', async () => {
    sata(0)
    expect(await below('1 1 0:25 /@ / rw - btrfs /dev/sda rw,subvol=/@')).toEqual(
      ['ahci0', 'sd_mod'].sort(),
    )
  })

  test('with btrfs on a mapping, where /dev is not captured', async () => {
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

  test('with btrfs over two disks', async () => {
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

  test('with an overlay as its root, over the folders that it is made of', async () => {
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
    const link = { up: true, master: 0, lower: 0, kind: null, bus: null, device: null }
    const netns = '/run/netns/blue'
    const { interfaces } = await build(
      {
        ...emptySurvey,
        links: [
          { ...link, netns: null, index: 2, name: 'eth0', bus: 'virtio', device: 'virtio0' },
          { ...link, netns: null, index: 3, name: 'v0', kind: 'veth', lower: 2 },
          { ...link, netns, index: 2, name: 'v1', kind: 'veth', lower: 3, master: 9 },
          { ...link, netns, index: 3, name: 'v1.7', kind: 'vlan', lower: 2 },
          { ...link, netns, index: 9, name: 'bond9', kind: 'bond', lower: 0 },
        ],
        defaultRoutes: [{ netns, index: 3 }],
      },
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
      // The link of a veth is its other end.
      { ...plain, name: 'v0', modules: ['veth'] },
      { ...plain, name: 'v1', master: 'bond9', modules: ['veth'] },
      { ...plain, name: 'v1.7', lower: ['v1'], hasDefaultRoute: true, modules: ['8021q'] },
      { ...plain, name: 'bond9', lower: ['v1'], modules: ['bonding'] },
    ])
  })
})

describe('without an index', () => {
  beforeEach(() => fillLaptop(system))

  test('the names of types and kinds stand for their modules, and it is told', async () => {
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

  test('a defect in the index is no lack of it', async () => {
    const broken = index()
    broken.lookup = () => Promise.reject(new RangeError('defect'))
    await expect(survey().then((raw) => build(raw, broken))).rejects.toThrow('defect')
  })

  test('files that cannot be asked for are an error of the snapshot alone', async () => {
    const files = capturedFiles(new RootView(system.root))
    const broken: SystemFiles = { ...files, readLinks: () => Promise.reject(new Error('defect')) }
    const building = buildSnapshot(await survey(), broken, index(), { users: true })
    await expect(building).rejects.toThrow('defect')
  })
})

describe('what was not captured', () => {
  test('is told', async () => {
    const { unreadable, ...nothing } = await survey()
    expect(nothing).toEqual(Object.fromEntries(Object.keys(nothing).map((key) => [key, []])))
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
    expect(await build({ ...emptySurvey, unreadable })).toMatchObject({ mounts: [], unreadable })
  })

  test('of /proc may leave /proc/mounts', async () => {
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

  test('of the namespaces leaves tables to be told apart by what is in them', async () => {
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

  test('of the processes leaves the one that captured', async () => {
    system
      .write('proc/self/stat', '4711 (tar) R 1 1 1\n')
      .write('proc/self/mountinfo', '1 1 8:1 / / rw - ext4 /dev/sda1 rw\n')
    expect((await survey()).mountTables).toMatchObject([{ pid: 4711, own: true, first: true }])
  })

  test('of the network are the other namespaces', async () => {
    system.link('net:[1]', 'proc/1/ns/net').link('net:[2]', 'proc/2/ns/net')
    expect((await survey()).unreadable).toContainEqual(
      expect.stringMatching(/interfaces of other namespaces/),
    )
  })
})
