/** Which users a plan releases before it removes modules, and in which order. */
import { Kmod } from '../../lib/kmod'
import type { ReleaseKind } from '../../lib/contract/types'
import { systemService } from '../../lib/kernel/folder-processes'
import { SimulatedKernel } from '../../lib/testing/simulated-kernel'
import { addMount, commands } from '../support/simulated-modules'
import { blockDevice, mount, netInterface, openDevice, swapArea } from '../support/snapshots'

let kernel: SimulatedKernel
let kmod: Kmod
beforeEach(() => {
  kernel = new SimulatedKernel()
  kmod = Kmod.over(kernel)
})

test('nested mounts, the deepest first; one of a kind that may not be released blocks', async () => {
  kernel.add('vfat').add('ext4')
  addMount(kernel, '/mnt', 'vfat')
  addMount(kernel, '/mnt/deep', 'ext4')
  const plan = await kmod.plan('vfat', { release: ['mount'] })
  expect(commands(plan.steps)).toEqual(['umount /mnt/deep', 'umount /mnt', 'vfat'])
})

test('what is below a block device: the mount, then the mapping, then the loop', async () => {
  kernel.add('loop', { references: 2 }).add('dm_mod', { references: 2 }).add('ext4')
  addMount(kernel, '/mnt/data', 'ext4', { source: '/dev/mapper/data', below: ['dm_mod', 'loop'] })
  kernel.snapshotNow.blocks.push(
    blockDevice('/dev/dm-0', {
      mapping: { name: 'data', uuid: '', segments: null },
      usedBy: ['/mnt/data'],
      modules: ['dm_mod'],
      below: ['loop'],
    }),
    blockDevice('/dev/loop0', { madeOf: '/img', usedBy: ['/dev/dm-0'], modules: ['loop'] }),
  )
  const plan = await kmod.plan('loop', { release: ['mount', 'block'] })
  expect(plan.feasible).toBe(true)
  expect(commands(plan.steps)).toEqual([
    'umount /mnt/data',
    'dmsetup remove data',
    'losetup -d /dev/loop0',
    'loop',
  ])
})

test('a file system in several places, with a loop device on it: nothing undoes the unmount', async () => {
  kernel.add('vfat').add('loop', { references: 1 })
  addMount(kernel, '/mnt/a', 'vfat')
  const [one] = kernel.snapshotNow.mounts
  kernel.snapshotNow.mounts.push({ ...mount('/mnt/other/b', one!.superblock, one), id: 77 })
  kernel.snapshotNow.mounts.at(-1)!.path = '/mnt/other/b'
  const onIt = { madeOf: '/elsewhere/img', fileOn: one!.superblock, modules: ['loop'] }
  kernel.snapshotNow.blocks.push(blockDevice('/dev/loop5', onIt))
  const plan = await kmod.plan('vfat', { release: ['mount', 'block'] })
  expect(commands(plan.steps)).toEqual([
    'losetup -d /dev/loop5',
    'umount /mnt/other/b /mnt/a',
    'vfat',
  ])
  expect(plan.steps[1]).toMatchObject({ undo: null })
})

test('swap', async () => {
  kernel.add('zram', { references: 1 })
  kernel.snapshotNow.swaps.push(swapArea('/dev/zram0', ['zram']))
  const plan = await kmod.plan('zram', { release: ['swap'] })
  expect(plan.steps[0]).toMatchObject({
    command: ['swapoff', '/dev/zram0'],
    undo: ['swapon', '/dev/zram0'],
  })
  expect(plan.feasible).toBe(true)
  expect((await kmod.plan('zram', { release: ['mount'] })).feasible).toBe(false)
})

test('a user whose number of references is not known leaves the rest undecided', async () => {
  kernel.add('tun', { references: 3 })
  kernel.snapshotNow.interfaces.push(netInterface('tap0', { type: 'tun', modules: ['tun'] }))
  const plan = await kmod.plan('tun', { release: ['interface'] })
  expect(plan).toMatchObject({ feasible: true })
  expect(plan.steps.at(-1)).toMatchObject({ action: 'remove', module: 'tun', undecided: 3 })
})

test('users without references are released only if their effect would block', async () => {
  kernel.add('bridge')
  kernel.snapshotNow.interfaces.push(netInterface('br0', { type: 'bridge', modules: ['bridge'] }))
  const options = { release: ['interface'] } as const
  expect(commands((await kmod.plan('bridge', options)).steps)).toEqual(['bridge'])
  const strict = await kmod.plan('bridge', { ...options, guard: 'strict' })
  expect(commands(strict.steps)).toEqual(['ip link del br0', 'bridge'])
  expect(strict.feasible).toBe(true)
})

test('an effect of another kind always needs allow', async () => {
  kernel.add('bridge')
  const more = { type: 'bridge', modules: ['bridge'], hasDefaultRoute: true }
  kernel.snapshotNow.interfaces.push(netInterface('br0', more))
  const plan = await kmod.plan('bridge', { release: ['interface'], guard: 'strict' })
  expect(plan.blockers).toMatchObject([
    { code: 'ERR_KMOD_CRITICAL', effect: { kind: 'default-route' } },
  ])
})

test('a process of this service, or a child of this process, is never ended', async () => {
  kernel.add('vfat')
  addMount(kernel, '/mnt/stick', 'vfat')
  const one = { comm: 'x', path: '/mnt/stick/file', unit: null }
  kernel.processes.push({ ...one, pid: 501, isOwn: true, isOfOwnUnit: false })
  kernel.processes.push({ ...one, pid: 502, isOwn: false, isOfOwnUnit: true })
  const plan = await kmod.plan('vfat', { release: ['mount', 'process', 'service'] })
  expect(commands(plan.steps)).toEqual(['umount /mnt/stick', 'vfat'])
})

test.each(['/', process.cwd(), process.execPath.replace(/\/[^/]*$/, '')])(
  'the mount at %s is never unmounted: this program needs it',
  async (path) => {
    kernel.add('ext4')
    addMount(kernel, path, 'ext4')
    const plan = await kmod.plan('ext4', { release: ['mount'], allow: ['root-filesystem'] })
    expect(commands(plan.steps)).toEqual(['ext4'])
    expect(plan.feasible).toBe(false)
  },
)

test('process 1 and the parent of this process are never killed', async () => {
  kernel.add('tun', { references: 2 })
  for (const pid of [1, process.ppid]) {
    kernel.snapshotNow.openDevices.push(openDevice(pid, '/dev/net/tun', { modules: ['tun'] }))
  }
  const plan = await kmod.plan('tun', { release: ['process'] })
  expect(commands(plan.steps)).toEqual(['tun'])
  expect(plan.feasible).toBe(false)
})

test('an unknown kind is a TypeError', async () => {
  const wrong = { release: ['mounts'] } as unknown as { release: ReleaseKind[] }
  await expect(kmod.plan('a', wrong)).rejects.toThrow(/Did you mean "mount"/)
})

test.each([
  ['0::/system.slice/ssh.service\n', 'ssh.service'],
  ['0::/system.slice/system-getty.slice/getty@tty1.service\n', 'getty@tty1.service'],
  ['2:cpu:/x\n1:name=systemd:/system.slice/a.service/sub\n', 'a.service'],
  ['0::/user.slice/user-0.slice/user@0.service/app.slice/a.service\n', null],
  ['0::/init.scope\n', null],
  ['', null],
])('the service in %j is %p', (text, service) => {
  expect(systemService(text)).toBe(service)
})
