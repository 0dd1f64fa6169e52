/** How unload() and reload() release users and put them back. */
import fc from 'fast-check'
import { Kmod } from '../../lib/kmod'
import type { Snapshot } from '../../lib/kernel/snapshot'
import { rejection } from '../support/rejection'
import { SimulatedKernel } from '../../lib/testing/simulated-kernel'
import { addMount, commands } from '../support/simulated-modules'
import { blockDevice, netInterface, openDevice } from '../support/snapshots'

/** The program of awk that writes a text to a file. */
const PRINT = 'BEGIN { printf "%s", ARGV[1] > ARGV[2] }'

let kernel: SimulatedKernel
let kmod: Kmod
beforeEach(() => {
  kernel = new SimulatedKernel()
  kmod = Kmod.over(kernel)
})

function addProcessOn(path: string, pid = 500): void {
  kernel.processes.push({
    pid,
    comm: 'reader',
    path,
    isOwn: false,
    unit: null,
    isOfOwnUnit: false,
  })
  kernel.programs.set(`kill ${pid}`, () => {
    kernel.processes = kernel.processes.filter((one) => one.pid !== pid)
    return 0
  })
}

test('a mount is unmounted, and its effect is accepted', async () => {
  kernel.add('vfat')
  addMount(kernel, '/mnt/stick', 'vfat')
  expect((await kmod.plan('vfat')).feasible).toBe(false)
  const plan = await kmod.plan('vfat', { release: ['mount'] })
  expect(plan).toMatchObject({ feasible: true, blockers: [] })
  expect(plan.effects.map(({ kind, subject }) => `${kind} ${subject}`)).toEqual([
    'filesystem /mnt/stick',
  ])
  expect(plan.steps).toMatchObject([
    {
      action: 'release',
      module: 'vfat',
      reason: 'user',
      user: { kind: 'mount', path: '/mnt/stick' },
      command: ['umount', '/mnt/stick'],
      undo: ['mount', '-t', 'vfat', '-o', 'rw', '/dev/loop0', '/mnt/stick'],
    },
    { action: 'remove', module: 'vfat', reason: 'target' },
  ])
  const report = await kmod.unload('vfat', { release: ['mount'] })
  expect(report).toMatchObject({
    removed: ['vfat'],
    released: [{ command: ['umount', '/mnt/stick'], undone: false }],
  })
  expect(commands(report.steps.map(({ step }) => step))).toEqual(['umount /mnt/stick', 'vfat'])
})

test('a process on the mount comes first, and only if processes may be released', async () => {
  kernel.add('vfat')
  addMount(kernel, '/mnt/stick', 'vfat')
  addProcessOn('/mnt/stick/file')
  const both = await kmod.plan('vfat', { release: ['mount', 'process'] })
  expect(commands(both.steps)).toEqual(['kill 500', 'umount /mnt/stick', 'vfat'])
  const error = await rejection(kmod.unload('vfat', { release: ['mount'] }))
  expect(error).toMatchObject({
    code: 'ERR_KMOD_RELEASE',
    module: 'vfat',
    command: ['umount', '/mnt/stick'],
    exitCode: 32,
    output: 'umount failed',
    user: { kind: 'mount' },
    report: { removed: [], released: [], failed: { step: { action: 'release' } } },
  })
  expect((await kmod.unload('vfat', { release: ['mount', 'process'] })).removed).toEqual(['vfat'])
})

test('a service whose process is on the mount is stopped, and started again', async () => {
  kernel.addToIndex({ name: 'vfat' }).add('vfat')
  addMount(kernel, '/mnt/stick', 'vfat')
  const reader = { pid: 500, comm: 'reader', path: '/mnt/stick/file', isOwn: false }
  kernel.processes.push({ ...reader, unit: 'reader.service', isOfOwnUnit: false })
  kernel.programs.set('systemctl stop reader.service', () => ((kernel.processes = []), 0))
  expect((await kmod.plan('vfat', { release: ['mount', 'process'] })).steps).toHaveLength(2)
  await kmod.reload('vfat', { release: ['mount', 'service'] })
  expect(kernel.ran.map((text) => text.split(' ').slice(0, 2).join(' '))).toEqual([
    'systemctl stop',
    'umount /mnt/stick',
    'mount -t',
    'systemctl start',
  ])
})

test('a loop device is set up again as it was', async () => {
  kernel.addToIndex({ name: 'loop' }, { name: 'last' })
  kernel.add('loop', { references: 1 }).add('last')
  const setUp = ['losetup', '--offset', '512', '/dev/loop0', '/img']
  kernel.loopSetups.set('/dev/loop0', setUp)
  const block = blockDevice('/dev/loop0', { madeOf: '/img', modules: ['loop'] })
  kernel.snapshotNow.blocks.push(block)
  const set = (blocks: Snapshot['blocks'], references: number): number => {
    kernel.snapshotNow.blocks = blocks
    kernel.modules.get('loop')!.references = references
    return 0
  }
  kernel.programs.set('losetup -d', () => set([], 0))
  kernel.programs.set('losetup --offset', () => set([block], 1))
  kernel.beforeRemoval = () => (kernel.modules.get('last')!.permanent = true)
  const options = { release: ['block'], onFailure: 'restore' } as const
  const { report } = await rejection(kmod.unload(['loop', 'last'], options))
  expect(report).toMatchObject({ released: [{ undone: true }], restored: ['loop'] })
  expect(kernel.ran).toEqual(['losetup -d /dev/loop0', setUp.join(' ')])
})

test('under the strict guard, drivers are unbound and interfaces of hardware set down; both return', async () => {
  kernel.addToIndex({ name: 'card' }, { name: 'last' }).add('card').add('last')
  const nic = netInterface('eth0', { modules: ['card'] })
  kernel.snapshotNow.interfaces.push(nic)
  kernel.snapshotNow.blocks.push(blockDevice('/dev/sdx', { modules: ['card'] }))
  const device = { bus: 'pci', device: '0000:00:03.0', driver: 'card', modules: ['card'] }
  kernel.snapshotNow.boundDevices.push(device)
  const options = { guard: 'strict', release: ['interface', 'device'] } as const
  const plan = await kmod.plan('card', options)
  expect(plan.feasible).toBe(true)
  expect(plan.steps.slice(0, 2)).toMatchObject([
    { command: ['ip', 'link', 'set', 'eth0', 'down'], undo: ['ip', 'link', 'set', 'eth0', 'up'] },
    {
      command: ['awk', PRINT, '0000:00:03.0', '/sys/bus/pci/drivers/card/unbind'],
      undo: ['awk', PRINT, '0000:00:03.0', '/sys/bus/pci/drivers/card/bind'],
    },
  ])
  const isUp = (up: boolean) => () => ((nic.up = up), 0)
  kernel.programs.set('ip link set eth0 down', isUp(false))
  kernel.programs.set('ip link set eth0 up', isUp(true))
  kernel.programs.set('awk', ([, , , file]) => {
    kernel.snapshotNow.boundDevices = file!.endsWith('/unbind') ? [] : [device]
    return 0
  })
  kernel.beforeRemoval = (name) => {
    if (name === 'last') kernel.modules.get('last')!.permanent = true
  }
  const call = kmod.unload(['card', 'last'], { ...options, onFailure: 'restore' })
  const { report } = await rejection(call)
  expect(report).toMatchObject({ released: [{ undone: true }, { undone: true }], notRestored: [] })
  expect(nic.up).toBe(true)
})

test('a process with several descriptors is killed once; SIGKILL follows after 5 s', async () => {
  kernel.add('tun', { references: 2 })
  const open = [3, 4].map((fd) => openDevice(77, '/dev/net/tun', { fd, modules: ['tun'] }))
  kernel.snapshotNow.openDevices.push(...open)
  kernel.programs.set('kill -KILL 77', () => {
    kernel.snapshotNow.openDevices = []
    kernel.modules.get('tun')!.references = 0
    return 0
  })
  await kmod.unload('tun', { release: ['process'] })
  expect(kernel.ran).toEqual(['kill 77', 'kill -KILL 77'])
  expect(kernel.clock.now()).toBeGreaterThanOrEqual(5_000)
})

test('a user that comes back each time is an error', async () => {
  kernel.add('tun', { references: 1 })
  let last = 100
  const start = (): void => {
    const pid = ++last
    kernel.snapshotNow.openDevices = [openDevice(pid, '/dev/net/tun', { modules: ['tun'] })]
    // Something that supervises it starts another process.
    kernel.programs.set(`kill ${pid}`, () => {
      start()
      return 0
    })
  }
  start()
  const error = await rejection(kmod.unload('tun', { release: ['process'] }))
  expect(error).toMatchObject({
    code: 'ERR_KMOD_RELEASE',
    module: 'tun',
    user: { kind: 'process' },
  })
  expect(error.message).toContain('Something starts')
  expect(error.report!.released).toHaveLength(kernel.ran.length)
  expect(kernel.ran.length).toBeLessThan(10)
})

test('a command that succeeds and changes nothing is an error', async () => {
  kernel.add('vfat')
  addMount(kernel, '/mnt', 'vfat')
  kernel.programs.set('umount /mnt', () => 0)
  const error = await rejection(kmod.unload('vfat', { release: ['mount'] }))
  expect(error).toMatchObject({ code: 'ERR_KMOD_RELEASE', exitCode: 0, output: '' })
})

test('after a failure, the users are put back, the last one first', async () => {
  kernel.addToIndex({ name: 'vfat' }, { name: 'ext4' }, { name: 'last' })
  kernel.add('vfat').add('ext4').add('last', { permanent: false })
  addMount(kernel, '/mnt/a', 'vfat')
  addMount(kernel, '/mnt/b', 'ext4')
  kernel.beforeRemoval = (name) => {
    if (name === 'last') kernel.modules.get('last')!.permanent = true
  }
  const options = { release: ['mount'], onFailure: 'restore' } as const
  const { report } = await rejection(kmod.unload(['vfat', 'ext4', 'last'], options))
  expect(report).toMatchObject({ notRestored: [], released: [{ undone: true }, { undone: true }] })
  const [one, two, ...undos] = kernel.ran
  expect(undos.map((text) => text.replace(/^mount .* /, 'umount '))).toEqual([two, one])
  expect(kernel.snapshotNow.mounts).toHaveLength(2)
})

test('without restore nothing is put back; what has no undo is told', async () => {
  kernel.addToIndex({ name: 'tun' }, { name: 'last' }).add('tun', { references: 1 }).add('last')
  kernel.snapshotNow.openDevices.push(openDevice(77, '/dev/net/tun', { modules: ['tun'] }))
  kernel.programs.set('kill 77', () => {
    kernel.snapshotNow.openDevices = []
    kernel.modules.get('tun')!.references = 0
    return 0
  })
  kernel.beforeRemoval = (name) => {
    if (name === 'last') kernel.modules.get('last')!.permanent = true
  }
  const options = { release: ['process'], onFailure: 'restore' } as const
  const { report } = await rejection(kmod.unload(['tun', 'last'], options))
  expect(report!.notRestored).toMatchObject([{ module: 'tun', user: { kind: 'process', pid: 77 } }])
  expect(report!.released).toMatchObject([{ undone: false }])
})

test('a reload puts the users back after its success', async () => {
  kernel.addToIndex({ name: 'vfat' }).add('vfat')
  addMount(kernel, '/mnt/stick', 'vfat')
  const report = await kmod.reload('vfat', { release: ['mount'] })
  expect(report).toMatchObject({
    removed: ['vfat'],
    loaded: ['vfat'],
    released: [{ undone: true }],
    notRestored: [],
  })
  expect(kernel.snapshotNow.mounts).toHaveLength(1)
})

test('a given plan with a release must be permitted again, and is compared', async () => {
  kernel.add('vfat')
  addMount(kernel, '/mnt/stick', 'vfat')
  const plan = await kmod.plan('vfat', { release: ['mount'] })
  await expect(kmod.unload(plan)).rejects.toThrow(/options\.release/)
  addMount(kernel, '/mnt/other', 'vfat')
  const error = await rejection(kmod.unload(plan, { release: ['mount'] }))
  expect(error.code).toBe('ERR_KMOD_PLAN_CHANGED')
  expect(error.changes!.join()).toContain('umount /mnt/other')
})

test('a user that has gone although its command failed is put back', async () => {
  kernel.addToIndex({ name: 'vfat' }).add('vfat')
  addMount(kernel, '/mnt', 'vfat')
  const umount = kernel.programs.get('umount /mnt')!
  kernel.programs.set('umount /mnt', (argv) => umount(argv) + 1)
  const options = { release: ['mount'], onFailure: 'restore' } as const
  const { code, report } = await rejection(kmod.unload('vfat', options))
  expect(code).toBe('ERR_KMOD_RELEASE')
  expect(report!.released).toMatchObject([{ undone: true }])
  expect(kernel.snapshotNow.mounts).toHaveLength(1)
})

test('however a call with releases fails, every user that can return is there again', async () => {
  const failure = fc.record({ count: fc.integer({ min: 1, max: 5 }), at: fc.nat(9) })
  await fc.assert(
    fc.asyncProperty(failure, async ({ count, at }) => {
      kernel = new SimulatedKernel()
      const names = Array.from({ length: count }, (_, i) => `fs${i}`)
      for (const [i, name] of names.entries()) {
        kernel.addToIndex({ name }).add(name)
        addMount(kernel, `/mnt/${i}`, name)
      }
      const before = kernel.snapshotNow.mounts.map(({ path }) => path).sort()
      let step = 0
      const onStep = (): void => {
        if (step++ === at) throw new Error('stop')
      }
      const options = { release: ['mount'], onFailure: 'restore', onStep } as const
      const call = Kmod.over(kernel).unload(names, options)
      const error = await call.then(
        () => null,
        (reason: Error) => reason,
      )
      if (error === null) {
        expect(kernel.modules.size).toBe(0)
        return
      }
      expect(kernel.snapshotNow.mounts.map(({ path }) => path).sort()).toEqual(before)
      expect([...kernel.modules.keys()].sort()).toEqual(names)
      const unmounted = kernel.ran.filter((text) => text.startsWith('umount'))
      const mounted = kernel.ran.filter((text) => text.startsWith('mount'))
      const place = (text: string): string => text.replace(/^.* /, '')
      expect(mounted.map(place)).toEqual(unmounted.map(place).reverse())
    }),
    { numRuns: 200 },
  )
})
