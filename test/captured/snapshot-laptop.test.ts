/** The snapshot of a captured laptop: mounts and what is below them, interfaces, open devices. */
import { mountUsers } from '../../lib/explain/mount'
import { processUsers } from '../../lib/explain/process'
import { effectsOf } from '../../lib/guard/effects'
import type { NetworkInterface } from '../../lib/kernel/network-facts'
import type { Mount, Snapshot } from '../../lib/kernel/snapshot'
import type { SystemFiles } from '../../lib/kernel/system-files'
import { buildSnapshot } from '../../lib/snapshot/build'
import type { RawSurvey } from '../../lib/snapshot/system/raw-survey'
import { filesOf, surveyOf, SnapshotBuilder } from '../support/captured-snapshot'
import { CapturedSystem } from '../support/captured-system'
import { CONTAINER_PID, fillLaptop } from '../support/laptop'
import { loaded } from '../support/snapshots'

let system: CapturedSystem
let builder: SnapshotBuilder
beforeEach(() => {
  system = new CapturedSystem()
  builder = new SnapshotBuilder(system)
})
afterEach(() => system.remove())

function survey(users = true): Promise<RawSurvey> {
  return surveyOf(system, users)
}

describe('a laptop', () => {
  let laptop: Snapshot
  beforeEach(async () => {
    fillLaptop(system)
    laptop = await builder.build(await survey())
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
    expect(device).toEqual({ path: '/dev/zram0', fileOn: null, opens: 1, below: ['zram'] })
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
      ancestor: false,
      unit: null,
      ownUnit: false,
      path: '/dev/net/tun',
      fd: 5,
      shared: false,
      type: 'char',
      family: 'misc',
      name: 'tun',
      modules: ['tun'],
    })
  })

  test('has no open devices in a survey without users', async () => {
    expect((await builder.build(await survey(false))).openDevices).toEqual([])
  })

  test('asks the index once without users, and never twice for an alias', async () => {
    expect(new Set(builder.lookups.flat()).size).toBe(builder.lookups.flat().length)
    builder.lookups.length = 0
    await builder.build(await survey(false))
    expect(builder.lookups).toHaveLength(1)
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
      readStatuses: (asked) => files.readStatuses(count(asked)),
    }
    await buildSnapshot(await survey(), counting, builder.index())
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
        release: { kind: null, command: null },
      },
    ])
    expect(processUsers(loaded('tun', 2), laptop)).toMatchObject([{ pid: 812, comm: 'openvpn' }])
  })
})
