/** The snapshot of a captured server: mounts and the devices below them. */
import type { RawSurvey } from '../../lib/snapshot/system/raw-survey'
import { SnapshotBuilder } from '../support/captured-snapshot'
import { CapturedSystem } from '../support/captured-system'
import { rawLink, survey as emptySurvey } from '../support/snapshots'
import { SysfsWriter } from '../support/sysfs'

let system: CapturedSystem
let builder: SnapshotBuilder
beforeEach(() => {
  system = new CapturedSystem()
  builder = new SnapshotBuilder(system)
})
afterEach(() => system.remove())

/** A survey of one mount namespace, with these lines of mountinfo. */
function mounted(...lines: string[]): RawSurvey {
  const text = lines.map((line) => `${line}\n`).join('')
  return emptySurvey({ mountTables: [{ pid: 1, own: true, first: true, text }] })
}

describe('a server', () => {
  let sysfs: SysfsWriter
  beforeEach(() => (sysfs = new SysfsWriter(system)))
  const below = async (line: string): Promise<string[]> =>
    (await builder.build(mounted(line))).mounts[0]!.below.sort()

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
    const { mounts } = await builder.build(
      mounted(
        '1 1 0:70 / /n rw - nfs4 server:/export rw',
        '1 1 0:71 / /f rw - fuse.sshfs me@far: rw',
        '1 1 0:72 / /9 rw - 9p share rw,trans=virtio',
      ),
      builder.index({ 'fs-nfs4': 'nfsv4', 'fs-fuse': 'fuse' }),
    )
    expect(mounts.map(({ modules }) => modules)).toEqual([
      ['nfsv4'],
      ['fuse'],
      ['9p', '9pnet_virtio'],
    ])
    expect(mounts.flatMap((mount) => mount.below)).toEqual([])
    expect(builder.lookups.flat()).toContain('fs-fuse')
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
    const { interfaces } = await builder.build(
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
      builder.index({ 'rtnl-link-vlan': '8021q', 'rtnl-link-bond': 'bonding' }),
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
