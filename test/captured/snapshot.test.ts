/** The snapshot of a captured system whose index or files are missing. */
import { KmodError } from '../../lib/contract/errors'
import type { SystemFiles } from '../../lib/kernel/system-files'
import { buildSnapshot } from '../../lib/snapshot/build'
import type { RawSurvey } from '../../lib/snapshot/system/raw-survey'
import { filesOf, surveyOf, SnapshotBuilder } from '../support/captured-snapshot'
import { CapturedSystem } from '../support/captured-system'
import { fillLaptop } from '../support/laptop'
import { survey as emptySurvey } from '../support/snapshots'
import { SysfsWriter } from '../support/sysfs'

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

describe('a module index that cannot be read', () => {
  beforeEach(() => fillLaptop(system))

  test('is reported; modules are assumed to have the names of types and kinds', async () => {
    const failing = builder.index()
    failing.lookup = () => Promise.reject(new KmodError('ERR_KMOD_FORMAT', 'It is damaged.'))
    const { mounts, interfaces, openDevices, unreadable } = await builder.build(
      await survey(),
      failing,
    )
    expect(mounts.find(({ path }) => path === '/')!.modules).toEqual(['ext4'])
    expect(mounts.find(({ path }) => path === '/')!.below).toContain('nvme')
    expect(interfaces.find(({ name }) => name === 'br0')!.modules).toEqual(['bridge'])
    const audio = openDevices.find(({ path }) => path === '/dev/snd/controlC0')
    expect(audio!.modules).toEqual(['snd_hda_intel', 'snd'])
    expect(unreadable).toContainEqual('the module index: It is damaged.')
  })

  test('is not the same as a defect of this program, which rejects', async () => {
    const broken = builder.index()
    broken.lookup = () => Promise.reject(new RangeError('defect'))
    await expect(survey().then((raw) => builder.build(raw, broken))).rejects.toThrow('defect')
  })

  test('is not the same as a defect in the reading of files, which rejects', async () => {
    const broken: SystemFiles = {
      ...filesOf(system),
      readLinks: () => Promise.reject(new Error('defect')),
    }
    const building = buildSnapshot(await survey(), broken, builder.index())
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
    expect(await builder.build(emptySurvey({ unreadable }))).toMatchObject({
      mounts: [],
      unreadable,
    })
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
    const { mounts } = await builder.build(await survey())
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
