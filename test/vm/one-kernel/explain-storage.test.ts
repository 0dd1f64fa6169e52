/** explain() and impact() for loop devices, mappings, swap and mounts, compared with the kernel's counts. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { kmod } from 'node-kmod'
import { startIn } from '../processes'
import { afterThisTest, attempt, countOf, modprobe, run, temporaryFolder, until } from '../support'
import { effectsOn, knownReferences, release, usersOf } from '../users'

describe('a loop device', () => {
  let image: string
  let mountPoint: string
  let device: string
  beforeEach(() => {
    const folder = temporaryFolder()
    image = join(folder, 'image')
    mountPoint = join(folder, 'mount')
    mkdirSync(mountPoint)
    run('truncate', ['-s', '16M', image])
    run('mkfs.ext4', ['-q', image])
    modprobe('loop')
    device = run('losetup', ['-f', '--show', image]).trim()
    afterThisTest(() => attempt('losetup', ['-d', device]))
  })
  const mount = (): void => {
    run('mount', [device, mountPoint])
    afterThisTest(() => attempt('umount', [mountPoint]))
  }

  test('is explained by its file, and released by the command', async () => {
    expect(run('losetup', ['-l', '-n', '-O', 'NAME,BACK-FILE']).trim().split(/\s+/)).toEqual([
      device,
      image,
    ])
    const usage = await kmod.explain('loop')
    expect(usage).toMatchObject({ refCount: countOf('loop'), references: 1, unexplained: 0 })
    const [user] = usersOf(usage, 'block')
    expect(user).toMatchObject({ path: device, usedBy: [image], references: 1 })
    expect(await effectsOn('loop')).toEqual([`disruptive storage:${device}`])

    release(user)
    await until('the device is free', () => run('losetup', ['-l', '-n']).trim() === '')
    const after = await kmod.explain('loop')
    expect(usersOf(after, 'block')).toEqual([])
    expect(after.refCount).toBe(0)
    expect(await effectsOn('loop')).toEqual([])
  })

  test('that is mounted is used by the mount', async () => {
    mount()
    const usage = await kmod.explain('loop')
    expect(usage).toMatchObject({ refCount: countOf('loop'), references: 2, unexplained: 0 })
    expect(usersOf(usage, 'block')[0]!.usedBy).toEqual([image, mountPoint])
    expect(await effectsOn('loop')).toEqual([`critical filesystem:${mountPoint}`])
    const fileSystem = await kmod.explain('ext4')
    expect(fileSystem).toMatchObject({ refCount: countOf('ext4'), unexplained: 0 })
    release(usersOf(fileSystem, 'mount').find(({ path }) => path === mountPoint))
    expect(countOf('loop')).toBe(1)
  })

  test('that is mounted in another mount namespace is found there', async () => {
    const child = await startIn(['unshare', '-m'], `mount ${device} ${mountPoint}`)
    const usage = await kmod.explain('ext4')
    const found = usersOf(usage, 'mount').find(({ source }) => source === device)
    expect(found).toMatchObject({ path: mountPoint, pid: child.pid })
    expect((await kmod.explain('loop')).unexplained).toBe(0)
    expect(await effectsOn('loop')).toEqual([`critical filesystem:${mountPoint}`])
    release(found)
    expect(countOf('loop')).toBe(1)
  })

  test('below a device-mapper device is used by it', async () => {
    run('dmsetup', ['create', 'kmodmap', '--table', `0 8192 linear ${device} 0`])
    afterThisTest(() => attempt('dmsetup', ['remove', 'kmodmap']))
    const usage = await kmod.explain('loop')
    expect(usage).toMatchObject({ refCount: countOf('loop'), references: 2, unexplained: 0 })
    const [mapping] = usersOf(await kmod.explain('dm_mod'), 'block')
    expect(mapping!.release.command).toEqual(['dmsetup', 'remove', 'kmodmap'])
    const loop = usersOf(usage, 'block').find(({ path }) => path === device)
    expect(loop!.usedBy).toEqual([image, mapping!.path])
    // The mapping itself and its segment.
    expect(mapping!.references).toBe(2)
    expect(countOf('dm_mod')).toBe(2)
    expect(await effectsOn('dm_mod')).toEqual([`disruptive storage:${mapping!.path}`])
    release(mapping)
    expect(run('dmsetup', ['ls'])).toMatch(/No devices/)
  })
})

test('swap on zram is explained, and released by the command', async () => {
  modprobe('zram')
  await until('the device exists', () => existsSync('/dev/zram0'))
  afterThisTest(() => attempt('swapoff', ['/dev/zram0']))
  expect(usersOf(await kmod.explain('zram'), 'block')).toEqual([])
  writeFileSync('/sys/block/zram0/disksize', '16M')
  expect(await effectsOn('zram')).toEqual(['disruptive storage:/dev/zram0'])
  run('mkswap', ['/dev/zram0'])
  run('swapon', ['/dev/zram0'])
  expect(readFileSync('/proc/swaps', 'utf8')).toContain('/dev/zram0')
  const usage = await kmod.explain('zram')
  const count = countOf('zram')
  expect(usage).toMatchObject({ refCount: count, references: count })
  // Older kernels open the device twice for swap, newer ones once.
  expect(count).toBeLessThanOrEqual(2)
  expect([knownReferences(usage), usage.unexplained]).toEqual([count, 0])
  expect(usersOf(usage, 'block')).toMatchObject([
    { path: '/dev/zram0', usedBy: ['swap'], references: 0 },
  ])
  expect(await effectsOn('zram')).toEqual(['critical swap:/dev/zram0'])
  const [swap] = usersOf(usage, 'swap')
  release(swap)
  expect(readFileSync('/proc/swaps', 'utf8')).not.toContain('/dev/zram0')
  expect(countOf('zram')).toBe(0)
})

test("the guest's share of the host's files is a mount and a device of its module", async () => {
  const usage = await kmod.explain('9pnet_virtio')
  const [mount] = usersOf(usage, 'mount')
  expect(mount).toMatchObject({ type: '9p', references: 1 })
  expect(usersOf(usage, 'device').map(({ bus }) => bus)).toContain('virtio')
})

test('an overlay as root: what cannot be read about its layers is in unreadable', async () => {
  expect(readFileSync('/proc/self/mountinfo', 'utf8')).toMatch(/ \/ \/ .* - overlay /)
  expect(await effectsOn('overlay')).toContain('critical root-filesystem:/')
  const { unreadable } = await kmod.plan('overlay')
  expect(unreadable).toContainEqual(expect.stringContaining('overlay'))
})
