/** Why a module is in use: open devices, holders, mounts. More kinds: test/vm/one-kernel. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { kmod } from 'node-kmod'
import {
  afterThisTest,
  attempt,
  countOf,
  modprobe,
  openTun,
  run,
  temporaryFolder,
} from '../support'

test('an open device is explained by the process and its descriptor', async () => {
  const device = await openTun()
  const usage = await kmod.explain('tun')
  const count = countOf('tun')
  const known = usage.users.reduce((sum, { references }) => sum + (references ?? 0), 0)
  expect(usage).toMatchObject({
    module: 'tun',
    status: 'live',
    permanent: false,
    refCount: count,
    holders: [],
    references: count,
    unexplained: count - known,
    // The layers of the overlay were mounted before it became the root.
    unreadable: [expect.stringContaining('overlay')],
  })
  expect(usage.users).toMatchObject([
    { kind: 'process', pid: process.pid, path: '/dev/net/tun', fd: device.fd, self: true },
  ])
})

test('each holder is a user with one reference', async () => {
  modprobe('br_netfilter')
  const usage = await kmod.explain('llc')
  expect(usage.users).toMatchObject([
    { kind: 'module', name: usage.holders[0], references: 1 },
    { kind: 'module', name: usage.holders[1], references: 1 },
  ])
  expect(usage).toMatchObject({ references: 0, unexplained: 0 })
})

test('a file system is explained once, with the command that unmounts it in all places', async () => {
  const folder = join(temporaryFolder(), 'a folder')
  const [image, mountPoint, other] = ['image', 'mount point', 'other'].map((name) =>
    join(folder, name),
  ) as [string, string, string]
  for (const path of [mountPoint, other]) mkdirSync(path, { recursive: true })
  run('truncate', ['-s', '4M', image])
  run('mkfs.ext2', ['-q', image])
  modprobe('-a', 'loop', 'ext4')
  run('mount', ['-t', 'ext4', '-o', 'loop', image, mountPoint])
  afterThisTest(() => attempt('umount', [mountPoint]))
  run('mount', ['--bind', mountPoint, other])
  afterThisTest(() => attempt('umount', [other]))

  const usage = await kmod.explain('fs-ext4')
  const mounts = usage.users.filter((user) => user.kind === 'mount')
  expect(mounts).toContainEqual(
    expect.objectContaining({
      kind: 'mount',
      path: mountPoint,
      type: 'ext4',
      references: 1,
      // Both places: the file system has its reference until the last one is unmounted.
      release: expect.objectContaining({ command: ['umount', mountPoint, other] }) as unknown,
    }),
  )
  expect(mounts.filter(({ path }) => path === other)).toEqual([])
  const [command, ...args] = mounts.find(({ path }) => path === mountPoint)!.release.command!
  run(command!, args)
  expect((await kmod.explain('fs-ext4')).users).not.toContainEqual(
    expect.objectContaining({ path: mountPoint }),
  )
})

test('an unloaded or built-in module has no users, an unknown one is an error', async () => {
  expect(await kmod.explain('vfat')).toMatchObject({ status: 'unloaded', users: [] })
  expect(await kmod.explain('printk')).toMatchObject({ status: 'builtin', users: [] })
  await expect(kmod.explain('nosuchmodule')).rejects.toMatchObject({ code: 'ERR_KMOD_NOT_FOUND' })
})
