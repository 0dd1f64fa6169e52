/** Releases carried out on a real system, each also with a failure, after which everything is back. */
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { kmod, type ReleaseKind, type UnloadReport } from 'node-kmod'
import { isRunning, startIn } from '../processes'
import {
  addLink,
  addNamespace,
  afterThisTest,
  attempt,
  countOf,
  isInKernel,
  modprobe,
  rejection,
  removeModules,
  run,
  temporaryFolder,
  until,
} from '../support'

const mountinfo = (): string => readFileSync('/proc/self/mountinfo', 'utf8')
const mountLine = (path: string): string | undefined =>
  mountinfo()
    .split('\n')
    .find((line) => line.split(' ')[4] === path)
    // Without the ids: a new mount has other ones.
    ?.replace(/^\d+ \d+ /, '')

/** Fails after all releases, when the module `llc` is to be removed, and restores. */
async function failAfterReleases(
  module: string,
  release: ReleaseKind[],
  more: object = {},
): Promise<UnloadReport> {
  modprobe('llc')
  const { report, code } = await rejection(
    kmod.unload([module, 'llc'], {
      release,
      onFailure: 'restore',
      ...more,
      onStep: ({ step, state }) => {
        if (step.action !== 'release' && state === 'start') throw new Error('stop here')
      },
    }),
  )
  expect(code).toBe('ERR_KMOD_CALLBACK')
  removeModules('llc')
  return report!
}

describe('a vfat on a loop device on a file', () => {
  let folder: string
  let device: string
  beforeEach(() => {
    const base = temporaryFolder()
    const image = join(base, 'image')
    folder = join(base, 'mount')
    mkdirSync(folder)
    run('truncate', ['-s', '16M', image])
    run('busybox', ['mkdosfs', image])
    modprobe('vfat')
    modprobe('loop')
    device = run('losetup', ['-f', '--show', image]).trim()
    afterThisTest(() => attempt('losetup', ['-d', device]))
  })

  test('is unmounted after the process in it has ended; a failure mounts it again with its options', async () => {
    run('mount', ['-o', 'noexec,uid=7,fmask=0137', device, folder])
    afterThisTest(() => attempt('umount', [folder]))
    writeFileSync(join(folder, 'file'), 'text')
    const before = mountLine(folder)
    const failed = await failAfterReleases('vfat', ['mount'])
    expect(failed).toMatchObject({ released: [{ undone: true }], notRestored: [] })
    expect(mountLine(folder)).toBe(before)
    expect(readFileSync(join(folder, 'file'), 'utf8')).toBe('text')

    const child = spawn('sleep', ['1000'], { cwd: folder, stdio: 'ignore', detached: true })
    afterThisTest(() => child.kill('SIGKILL'))
    // A child of this process is never killed, so the mount stays busy.
    const busy = await rejection(kmod.unload('vfat', { release: ['mount', 'process'] }))
    expect(busy).toMatchObject({ code: 'ERR_KMOD_RELEASE', command: ['umount', folder] })
    expect(busy.output).toMatch(/busy/)
    child.kill('SIGKILL')

    const pid = Number(
      run('sh', [
        '-c',
        `cd ${folder}; setsid -f sleep 1000 >/dev/null 2>&1 </dev/null; sleep 0.3; pgrep -n -x sleep`,
      ]),
    )
    const plan = await kmod.plan('vfat', { release: ['mount', 'process'] })
    expect(plan.feasible).toBe(true)
    expect(plan.steps.slice(0, 2)).toMatchObject([
      { action: 'release', command: ['kill', String(pid)], undo: null },
      { action: 'release', command: ['umount', folder] },
    ])
    const report = await kmod.unload('vfat', { release: ['mount', 'process'] })
    expect(report.removed).toContain('vfat')
    expect(isRunning(pid)).toBe(false)
    expect(mountLine(folder)).toBeUndefined()
  })

  test('a failure sets the loop device up again', async () => {
    run('losetup', ['-d', device])
    const image = join(folder, '..', 'image')
    run('losetup', ['--offset', '1M', '--sizelimit', '4M', '--read-only', device, image])
    const setUp = (): string =>
      run('losetup', ['-n', '-O', 'OFFSET,SIZELIMIT,RO,BACK-FILE', '-l', device])
    const before = setUp()
    const failed = await failAfterReleases('loop', ['block'])
    expect(failed).toMatchObject({ released: [{ undone: true }], notRestored: [] })
    expect(setUp()).toBe(before)
  })

  test('unloading loop takes the mount and the device with it', async () => {
    run('mount', [device, folder])
    afterThisTest(() => attempt('umount', [folder]))
    const alone = await kmod.plan('loop', { release: ['block'] })
    expect(alone.feasible).toBe(false)
    const report = await kmod.unload('loop', { release: ['mount', 'block'] })
    expect(report.removed).toContain('loop')
    expect(report.released.map(({ command }) => command)).toEqual([
      ['umount', folder],
      ['losetup', '-d', device],
    ])
  })

  test('in another mount namespace it is unmounted there', async () => {
    await startIn(['unshare', '-m'], `mount ${device} ${folder}`)
    const report = await kmod.unload('vfat', { release: ['mount'] })
    expect(report.removed).toContain('vfat')
    expect(report.released).toHaveLength(1)
  })
})

test('swap on zram, and swap that is put back', async () => {
  modprobe('zram')
  writeFileSync('/sys/block/zram0/disksize', '16M')
  run('mkswap', ['/dev/zram0'])
  run('swapon', ['/dev/zram0'])
  afterThisTest(() => attempt('swapoff', ['/dev/zram0']))
  const swaps = (): boolean => readFileSync('/proc/swaps', 'utf8').includes('/dev/zram0')
  const failed = await failAfterReleases('zram', ['swap'])
  expect(failed).toMatchObject({ released: [{ undone: true }], notRestored: [] })
  expect(swaps()).toBe(true)
  const report = await kmod.unload('zram', { release: ['swap', 'block'] })
  expect(report.removed).toContain('zram')
  expect(swaps()).toBe(false)
})

test('a swap file on ext4 on a loop: swap, mount, device', async () => {
  const base = temporaryFolder()
  const [image, folder] = [join(base, 'image'), join(base, 'mount')]
  mkdirSync(folder)
  run('truncate', ['-s', '64M', image])
  run('mkfs.ext4', ['-q', image])
  modprobe('loop')
  const device = run('losetup', ['-f', '--show', image]).trim()
  afterThisTest(() => attempt('losetup', ['-d', device]))
  run('mount', [device, folder])
  afterThisTest(() => attempt('umount', [folder]))
  const file = join(folder, 'swap')
  run('dd', ['if=/dev/zero', `of=${file}`, 'bs=1M', 'count=8', 'status=none'])
  run('chmod', ['600', file])
  run('mkswap', [file])
  run('swapon', [file])
  afterThisTest(() => attempt('swapoff', [file]))
  const failed = await failAfterReleases('loop', ['swap', 'mount', 'block'])
  expect(failed.released).toMatchObject([{ undone: true }, { undone: true }, { undone: true }])
  expect(failed.notRestored).toEqual([])
  expect(readFileSync('/proc/swaps', 'utf8')).toContain(file)
  const report = await kmod.unload('loop', { release: ['swap', 'mount', 'block'] })
  expect(report.released.map(({ command }) => command[0])).toEqual(['swapoff', 'umount', 'losetup'])
  expect(isInKernel('loop')).toBe(false)
})

test('a file system on a logical volume of LVM on a loop device', async () => {
  const base = temporaryFolder()
  const [image, folder] = [join(base, 'image'), join(base, 'mount')]
  mkdirSync(folder)
  run('truncate', ['-s', '64M', image])
  for (const module of ['loop', 'dm_mod', 'ext4']) modprobe(module)
  const device = run('losetup', ['-f', '--show', image]).trim()
  afterThisTest(() => attempt('losetup', ['-d', device]))
  // No udev runs in the guest.
  const lvm = (...args: string[]): string =>
    run('lvm', [
      ...[
        args[0]!,
        '--config',
        'activation{udev_sync=0 udev_rules=0} devices{obtain_device_list_from_udev=0}',
      ],
      ...args.slice(1),
    ])
  lvm('pvcreate', '-q', device)
  lvm('vgcreate', '-q', 'group', device)
  lvm('lvcreate', '-q', '-y', '-L', '32M', '-n', 'volume', 'group')
  afterThisTest(() => attempt('dmsetup', ['remove', 'group-volume']))
  run('mkfs.ext4', ['-q', '/dev/mapper/group-volume'])
  run('mount', ['/dev/mapper/group-volume', folder])
  afterThisTest(() => attempt('umount', [folder]))

  const failed = await failAfterReleases('dm_mod', ['mount', 'block'])
  // The kernel does not say how a logical volume was set up.
  expect(failed.released).toMatchObject([{ undone: false }, { undone: false }])
  expect(mountLine(folder)).toBeUndefined()
  lvm('vgchange', '-ay', 'group')
  run('mount', ['/dev/mapper/group-volume', folder])

  const report = await kmod.unload(['dm_mod', 'loop'], { release: ['mount', 'block'] })
  expect(report.released.map(({ command }) => command)).toEqual([
    ['umount', folder],
    ['dmsetup', 'remove', 'group-volume'],
    ['losetup', '-d', device],
  ])
  expect(report.removed).toEqual(expect.arrayContaining(['dm_mod', 'loop']))
})

test('a bridge with a veth pair in another namespace, under the strict guard', async () => {
  addNamespace('blue')
  modprobe('veth')
  modprobe('bridge')
  addLink('br0', 'type', 'bridge')
  run('ip', ['link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'v1', 'netns', 'blue'])
  afterThisTest(() => attempt('ip', ['link', 'del', 'v0']))
  run('ip', ['link', 'set', 'v0', 'master', 'br0'])
  const report = await kmod.unload(['veth', 'bridge'], { release: ['interface'], guard: 'strict' })
  expect(report.removed).toEqual(expect.arrayContaining(['veth', 'bridge']))
  expect(run('ip', ['link'])).not.toMatch(/br0|v0/)
})

test('a device is unbound, and bound again after a failure', async () => {
  const folder = '/sys/bus/pci/drivers/e1000'
  modprobe('e1000')
  const devices = readdirSync(folder).filter((name) => name.startsWith('0000:'))
  expect(devices.length).toBeGreaterThan(0)
  const usage = await kmod.explain('e1000')
  const user = usage.users.find(({ kind }) => kind === 'device')!
  expect(user.release.command![0]).toBe('awk')
  run(user.release.command![0]!, user.release.command!.slice(1))
  expect(existsSync(join(folder, devices[0]!))).toBe(false)
  const [awk, program, name, file] = user.release.command!
  run(awk!, [program!, name!, file!.replace(/unbind$/, 'bind')])
  expect(existsSync(join(folder, devices[0]!))).toBe(true)
  expect(countOf('e1000')).toBe(0)
})

test('a disk that the strict guard protects is unbound, and bound again after a failure', async () => {
  modprobe('sd_mod')
  run('modprobe', ['scsi_debug', 'dev_size_mb=16'])
  afterThisTest(() => removeModules('scsi_debug'))
  const disks = (): string[] => readdirSync('/sys/block').filter((name) => name.startsWith('sd'))
  await until('the disk is there', () => disks().length === 1)
  const refused = await kmod.plan('sd_mod', { guard: 'strict' })
  expect(refused.blockers).toMatchObject([{ module: 'sd_mod', effect: { kind: 'storage' } }])
  const failed = await failAfterReleases('sd_mod', ['device'], { guard: 'strict' })
  expect(failed).toMatchObject({ released: [{ undone: true }], notRestored: [] })
  await until('the disk is there again', () => disks().length === 1)
  const report = await kmod.unload('sd_mod', { release: ['device'], guard: 'strict' })
  expect(report.removed).toContain('sd_mod')
  expect(disks()).toEqual([])
})

test('an open device: the process is ended, also one that ignores SIGTERM', async () => {
  modprobe('tun')
  const file = join(temporaryFolder(), 'pid')
  const loop = 'while :; do sleep 1 3>&-; done'
  const script = `trap "" TERM; exec 3<>/dev/net/tun; echo $$ > ${file}; ${loop}`
  // Not a child of this process, which would be spared.
  run('setsid', ['-f', 'sh', '-c', `exec >/dev/null 2>&1; ${script}`])
  await until('the device is open', () => existsSync(file))
  const pid = Number(readFileSync(file, 'utf8'))
  afterThisTest(() => attempt('kill', ['-KILL', String(pid)]))
  expect(await kmod.explain('tun')).toMatchObject({
    users: [{ kind: 'process', pid }],
    unexplained: 0,
  })
  const report = await kmod.unload('tun', { release: ['process'] })
  expect(report.removed).toEqual(['tun'])
  expect(isRunning(pid)).toBe(false)
}, 60_000)
