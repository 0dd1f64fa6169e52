/** Disks and the root file system of a captured system. */
import { effectsOf } from '../../lib/guard/effects'
import type { Snapshot } from '../../lib/kernel/snapshot'
import { buildSnapshot } from '../../lib/snapshot/build'
import {
  aliasIndex,
  effectsOn,
  filesOf,
  snapshotOf,
  surveyOf,
  usersOf,
} from '../support/captured-snapshot'
import { CapturedSystem } from '../support/captured-system'
import { SysfsWriter } from '../support/sysfs'

let system: CapturedSystem
let sysfs: SysfsWriter
beforeEach(() => {
  system = new CapturedSystem()
  sysfs = new SysfsWriter(system)
})
afterEach(() => system.remove())

function mounts(...lines: string[]): void {
  system.write('proc/1/mountinfo', lines.map((line) => `${line}\n`).join(''))
}

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
    expect(effectsOn(snapshot, 'sd_mod')).toEqual(['storage:/dev/sda'])
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
    expect(effectsOn(idle, 'ahci')).toEqual([
      'storage:/dev/dm-0',
      'storage:/dev/dm-1',
      'storage:/dev/sda',
    ])
    mounts('1 1 0:2 / / rw - tmpfs none rw', '2 1 254:1 / /data rw - xfs /dev/mapper/vg-data rw')
    const used = await snapshotOf(system)
    expect(effectsOn(used, 'ahci')).toEqual(['filesystem:/data'])
    expect(used.blocks.map(({ path, usedBy }) => [path, usedBy])).toEqual([
      ['/dev/dm-0', ['/dev/dm-1']],
      ['/dev/dm-1', ['/data']],
      ['/dev/sda', ['/dev/dm-0']],
    ])
    const volume1 = (snapshot: Snapshot): unknown =>
      usersOf(snapshot, 'dm_mod', 'block').find(({ path }) => path === '/dev/dm-1')!.release.command
    expect(volume1(idle)).toEqual(['dmsetup', 'remove', 'vg-data'])
    expect(volume1(used)).toBeNull()
  })

  test('below a loop device are used by it', async () => {
    sata()
    sysfs.block('virtual/block/loop3', '7:3', { 'loop/backing_file': '/dev/sda\n' })
    mounts('1 1 0:2 / / rw - tmpfs none rw', '2 1 7:3 / /mnt rw - ext4 /dev/loop3 rw')
    const snapshot = await snapshotOf(system)
    expect(effectsOn(snapshot, 'loop')).toEqual(['filesystem:/mnt'])
    expect(effectsOn(snapshot, 'ahci')).not.toContain('storage:/dev/loop3')
    expect(snapshot.blocks.find(({ path }) => path === '/dev/sda')!.usedBy).toEqual(['/dev/loop3'])
  })

  test('on iSCSI depend on its module', async () => {
    iscsi()
    mounts('1 1 8:16 / / rw - ext4 /dev/sdb rw')
    const snapshot = await snapshotOf(system)
    expect(effectsOn(snapshot, 'iscsi_tcp')).toEqual(['root-filesystem:/'])
    expect(effectsOn(snapshot, 'sd_mod')).toEqual(['root-filesystem:/'])
  })

  test('on NVMe over TCP depend on its module', async () => {
    sysfs.block('virtual/nvme-fabrics/ctl/nvme0/nvme0n1', '259:0')
    system.write('sys/devices/virtual/nvme-fabrics/ctl/nvme0/transport', 'tcp\n')
    mounts('1 1 259:0 / / rw - ext4 /dev/nvme0n1 rw')
    expect(effectsOn(await snapshotOf(system), 'nvme_tcp')).toEqual(['root-filesystem:/'])
  })

  test('without a medium, or without a device file, are left out', async () => {
    sysfs.block('pci0000:00/0000:00:01.0/block/sdc', '8:32', { size: '0\n' })
    sysfs.block('pci0000:00/0000:00:02.0/nvme/nvme0/nvme0c0n1', '259:9', { hidden: '1\n' })
    sysfs.block('virtual/block/nbd0', '43:0')
    sysfs.block('virtual/block/nbd1', '43:16', { pid: '4711\n' })
    system.write('proc/4711/comm', 'qemu-nbd\n')
    // nbd-client hands the connection over to the kernel and ends.
    sysfs.block('virtual/block/nbd2', '43:32', { pid: '4712\n' })
    sysfs.block('virtual/block/md0', '9:0', { size: '0\n' })
    sysfs.block('pci0000:00/0000:00:03.0/cciss!c0d0', '104:0')
    const snapshot = await snapshotOf(system)
    expect(snapshot.blocks.map(({ path, madeOf }) => [path, madeOf])).toEqual([
      ['/dev/cciss/c0d0', null],
      ['/dev/nbd1', 'process 4711'],
      ['/dev/nbd2', 'a server'],
    ])
    expect(usersOf(snapshot, 'nbd', 'block')).toMatchObject([
      { usedBy: ['process 4711'], release: { command: ['qemu-nbd', '-d', '/dev/nbd1'] } },
      { usedBy: ['a server'], release: { command: ['nbd-client', '-d', '/dev/nbd2'] } },
    ])
  })
})

describe('flash', () => {
  const flash = (number: number, name: string): string =>
    sysfs.classDevice('mtd', `virtual/mtd/mtd${number}`, { name: `${name}\n` })

  // In older kernels, a device of UBI is not below its flash.
  test.each(['virtual/mtd/mtd1/ubi0', 'virtual/ubi/ubi0'])(
    'below JFFS2 and UBIFS is found, also if it is simulated: %s',
    async (ubi) => {
      sysfs.block(
        `${flash(0, 'mtdram test device').slice('/sys/devices/'.length)}/mtdblock0`,
        '31:0',
      )
      flash(1, 'NAND simulator partition 0')
      sysfs.classDevice('ubi', ubi, { mtd_num: '1\n' })
      const idle = await snapshotOf(system)
      expect(effectsOn(idle, 'nandsim')).toEqual(['storage:/dev/mtd1', 'storage:/dev/ubi0'])
      expect(usersOf(idle, 'ubi', 'block')).toMatchObject([
        { path: '/dev/ubi0', references: 0, release: { command: ['ubidetach', '-d', '0'] } },
      ])
      mounts(
        '1 1 0:2 / / rw - tmpfs none rw',
        '2 1 31:0 / /a rw - jffs2 /dev/mtdblock0 rw',
        '3 1 0:36 / /b rw - ubifs ubi0:v rw,ubi=0,vol=0',
      )
      const used = await snapshotOf(system)
      expect(effectsOn(used, 'mtdram')).toEqual(['filesystem:/a'])
      expect(effectsOn(used, 'nandsim')).toEqual(['filesystem:/b'])
      expect(usersOf(used, 'mtdram', 'block')).toMatchObject([
        { path: '/dev/mtd0', usedBy: ['/a'], references: 1 },
      ])
      expect(
        usersOf(used, 'mtd', 'block').map(({ path, references }) => [path, references]),
      ).toEqual([
        ['/dev/mtd0', 1],
        ['/dev/mtd1', 1],
        ['/dev/ubi0', null],
      ])
    },
  )
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
      expect(effectsOn(snapshot, module)).toEqual(['root-filesystem:/'])
    }
    const other = await root('1 1 0:20 / / rw - 9p other rw,trans=virtio')
    expect(effectsOn(other, '9pnet_virtio')).toEqual(['root-filesystem:/'])
    expect(effectsOn(other, 'virtio_pci')).toEqual([])
  })

  test('on virtiofs depends on its device', async () => {
    shared('virtiofs')
    const snapshot = await root('1 1 0:20 / / rw - virtiofs host rw')
    expect(effectsOn(snapshot, 'virtiofs')).toEqual(['root-filesystem:/'])
    expect(effectsOn(snapshot, 'virtio_pci')).toEqual(['root-filesystem:/'])
  })

  test.each([
    ['vers=4.2', 'nfsv4'],
    ['vers=3', 'nfsv3'],
  ])('on NFS with %s depends on %s', async (option, module) => {
    const snapshot = await root(`1 1 0:20 / / rw - nfs4 server:/ rw,${option},rsize=1048576`)
    expect(effectsOn(snapshot, module)).toEqual(['root-filesystem:/'])
    expect(effectsOn(snapshot, 'nfs')).toEqual(['root-filesystem:/'])
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

test('a mapping without a table has no disk, and holds a reference to dm_mod', async () => {
  const mappings = [{ device: '254:3', name: 'vg-new', segments: [] }]
  const snapshot = async (): Promise<Snapshot> =>
    buildSnapshot({ ...(await surveyOf(system)), mappings }, filesOf(system), aliasIndex({}))
  expect(usersOf(await snapshot(), 'dm_mod', 'block')).toMatchObject([
    { path: '/dev/dm-3', references: 1, release: { command: ['dmsetup', 'remove', 'vg-new'] } },
  ])
  sysfs.block('virtual/block/dm-3', '254:3')
  expect(usersOf(await snapshot(), 'dm_mod', 'block')).toHaveLength(1)
})

describe('mounts', () => {
  test('that propagation copied are unmounted with the original, others are not', async () => {
    const root = '1 1 8:1 / / rw shared:1 - ext4 /dev/sda1 rw\n'
    system
      .write('proc/1/mountinfo', `${root}2 1 8:2 / /data rw shared:2 - xfs /dev/sda2 rw\n`)
      .link('mnt:[1]', 'proc/1/ns/mnt')
      .link('mnt:[2]', 'proc/77/ns/mnt')
    const command = async (lines: string): Promise<unknown> => {
      system.write('proc/77/mountinfo', lines)
      const [user] = usersOf(await snapshotOf(system), 'xfs', 'mount')
      return user!.release.command
    }
    const service = '11 10 8:1 / / rw master:1 - ext4 /dev/sda1 rw\n'
    expect(await command(service)).toEqual(['umount', '/data'])
    expect(await command(`${service}12 11 8:2 / /data rw master:2 - xfs /dev/sda2 rw\n`)).toEqual([
      'umount',
      '/data',
    ])
    const isolated = '11 10 8:1 / / rw - ext4 /dev/sda1 rw\n'
    expect(await command(`${isolated}12 11 8:2 / /data rw - xfs /dev/sda2 rw\n`)).toBeNull()
  })
})
