/** The survey of mounts, interfaces and open devices, compared with ip and /proc. */
import { readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { RawLink } from '../../../lib/snapshot/system/raw-survey'
import { startIn } from '../processes'
import {
  addLink,
  addNamespace,
  attempt,
  modprobe,
  openTun,
  removeModules,
  run,
  temporaryFolder,
  until,
} from '../support'
import { onKernelChange, readSurvey } from '../../support/live'

interface IpLink {
  ifindex: number
  ifname: string
  link_index?: number
  link_netnsid?: number
  link?: string
  master?: string
  flags: string[]
  linkinfo?: { info_kind?: string }
  parentbus?: string
  parentdev?: string
}

/** What ip prints, in the shape of the survey. */
function ipLinks(netns: string | null): object[] {
  const where = netns === null ? [] : ['-n', netns]
  const links = JSON.parse(run('ip', [...where, '-j', '-d', 'link'])) as IpLink[]
  const indexOf = (name?: string): number =>
    links.find(({ ifname }) => ifname === name)?.ifindex ?? 0
  return links
    .filter(({ ifname }) => ifname !== 'lo')
    .map((link) => ({
      index: link.ifindex,
      name: link.ifname,
      up: link.flags.includes('UP'),
      kind: link.linkinfo?.info_kind ?? null,
      master: indexOf(link.master),
      lower: link.link_netnsid === undefined ? (link.link_index ?? indexOf(link.link)) : 0,
      bus: link.parentbus ?? null,
      device: link.parentdev ?? null,
    }))
}

describe('network interfaces', () => {
  test('are those of ip, in this namespace and in one without a process', async () => {
    addLink('kmodd0', 'type', 'dummy')
    run('ip', ['link', 'set', 'kmodd0', 'up'])
    addLink('kmodd0.5', 'link', 'kmodd0', 'type', 'vlan', 'id', '5')
    addLink('kmodb0', 'type', 'bridge')
    addLink('kmodd1', 'type', 'dummy')
    run('ip', ['link', 'set', 'kmodd1', 'master', 'kmodb0'])
    addNamespace('kmodns')
    addLink('kmodv0', 'type', 'veth', 'peer', 'name', 'kmodv1')
    run('ip', ['link', 'set', 'kmodv1', 'netns', 'kmodns'])
    run('ip', ['-n', 'kmodns', 'link', 'add', 'kmodd2', 'type', 'dummy'])

    const { links, unreadable } = await readSurvey(false)
    const own = links.filter(({ netns }) => netns === null).map(shownByIp)
    expect(own).toEqual(ipLinks(null))
    expect(own).toContainEqual(expect.objectContaining({ name: 'kmodd0.5', kind: 'vlan' }))
    const other = links.filter(({ netns }) => netns?.endsWith('/netns/kmodns'))
    expect(other.map(shownByIp)).toEqual(ipLinks('kmodns'))
    expect(other.map(({ name }) => name).sort()).toEqual(['kmodd2', 'kmodv1'])
    expect(unreadable).toEqual([])
  })

  test('of a namespace with a process have its pid as namespace', async () => {
    const child = await startIn(['unshare', '-n'], 'ip link add kmodp0 type dummy')
    const { links } = await readSurvey(false)
    expect(links).toContainEqual(
      expect.objectContaining({ netns: `pid:${child.pid}`, name: 'kmodp0', kind: 'dummy' }),
    )
  })

  test('of default routes are found for IPv4 and IPv6, each next hop of them', async () => {
    const ip = (...args: string[]): string => run('ip', ['-n', 'kmodroutes', ...args])
    addNamespace('kmodroutes')
    for (const n of [0, 1, 2, 3]) {
      ip('link', 'add', `r${n}`, 'type', 'dummy')
      ip('link', 'set', `r${n}`, 'up')
      ip('addr', 'add', `192.0.${n}.2/24`, 'dev', `r${n}`)
    }
    const hop = (n: number): string[] => ['nexthop', 'via', `192.0.${n}.1`, 'dev', `r${n}`]
    ip('route', 'add', 'default', ...hop(0), ...hop(1))
    ip('route', 'add', 'unreachable', 'default', 'metric', '4000')
    ip('-6', 'route', 'add', 'default', 'dev', 'r2')
    const { links, defaultRoutes } = await readSurvey(false)
    const names = defaultRoutes
      .filter(({ netns }) => netns?.endsWith('/netns/kmodroutes'))
      .map(
        (route) =>
          links.find(({ netns, index }) => netns === route.netns && index === route.index)?.name,
      )
    expect(names.sort()).toEqual(['r0', 'r1', 'r2'])
  })
})

test('the mounts of each mount namespace are read once', async () => {
  const folder = temporaryFolder()
  const child = await startIn(['unshare', '-m'], `mount -t tmpfs kmodtest ${folder}`)
  const { mountTables } = await readSurvey(false)
  expect(mountTables[0]).toEqual({
    pid: process.pid,
    own: true,
    first: readlinkSync('/proc/self/ns/mnt') === readlinkSync('/proc/1/ns/mnt'),
    text: readFileSync('/proc/self/mountinfo', 'utf8'),
  })
  expect(mountTables).toContainEqual({
    pid: child.pid,
    own: false,
    first: false,
    text: readFileSync(`/proc/${child.pid}/mountinfo`, 'utf8'),
  })
  expect(mountTables.filter(({ text }) => text.includes('kmodtest'))).toHaveLength(1)
})

test('open devices have their process; devices that are part of every kernel are left out', async () => {
  const { fd } = await openTun()
  const folder = temporaryFolder()
  const device = join(folder, 'dev', 'other')
  // In another mount namespace, and at another path.
  const child = await startIn(
    ['unshare', '-m'],
    `mount -t tmpfs x ${folder} && mkdir ${folder}/dev && mknod ${device} c 10 200 && ` +
      `exec 5<>${device} 6</dev/zero`,
  )
  const { openDevices } = await readSurvey(true)
  const tun = openDevices.filter(({ device, type }) => device === '10:200' && type === 'char')
  expect(tun).toHaveLength(2)
  expect(tun).toContainEqual(
    expect.objectContaining({ pid: process.pid, self: true, path: '/dev/net/tun', fd }),
  )
  expect(tun).toContainEqual({
    pid: child.pid,
    comm: 'sleep',
    self: true,
    ancestor: false,
    cgroups: readFileSync(`/proc/${child.pid}/cgroup`, 'utf8'),
    path: device,
    fd: 5,
    type: 'char',
    device: '10:200',
    shared: false,
  })
  expect(openDevices.filter(({ device }) => device.startsWith('1:'))).toEqual([])
})

test('a watch calls back for changes of modules, interfaces and mounts', async () => {
  const folder = temporaryFolder()
  let calls = 0
  const stop = onKernelChange(() => calls++)
  try {
    await until('the watch has started', () => calls > 0)
    const expectCall = async (what: string, change: () => void): Promise<void> => {
      // Calls that report the previous change.
      await delay(200)
      const before = calls
      change()
      await until(`a call for ${what}`, () => calls > before)
    }
    await expectCall('a new module', () => modprobe('dummy', 'numdummies=0'))
    await expectCall('a new interface', () => addLink('kmode0', 'type', 'dummy'))
    await expectCall('a deleted interface', () => run('ip', ['link', 'del', 'kmode0']))
    await expectCall('a removed module', () => removeModules('dummy'))
    await expectCall('a mount', () => run('mount', ['-t', 'tmpfs', 'x', folder]))
    await expectCall('an unmount', () => run('umount', [folder]))
  } finally {
    stop()
    attempt('umount', [folder])
  }
})

/** What `ip` shows of a link, too. */
function shownByIp(link: RawLink): object {
  const { netns, carriers, ...shown } = link
  // No link of this test is a tunnel, or below one in another namespace.
  expect({ netns, carriers }).toEqual({ netns, carriers: [] })
  return shown
}
