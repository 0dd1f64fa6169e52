/** The survey against what `ip`, /proc and the tests themselves know of a real kernel. */
import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, readlinkSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { onKernelChange } from '../../../lib/live/helper/events'
import { readSurvey } from '../../../lib/live/helper/survey'
import { attempt, cleanUp, modprobe, run, until } from '../support'

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

/** What `ip` says, in the survey's words. */
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

/** A process in namespaces of its own; it is there when this resolves. */
async function startIn(unshare: string[], ready: string): Promise<ChildProcess> {
  const script = `${ready}; echo ready; exec sleep 1000`
  const child = spawn('unshare', [...unshare, 'sh', '-c', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await new Promise((resolve) => child.stdout.once('data', resolve))
  return child
}

async function end(child: ChildProcess): Promise<void> {
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await gone
}

describe('network interfaces', () => {
  afterAll(() => {
    attempt('ip', ['netns', 'del', 'kmodns'])
    for (const name of ['kmodv0', 'kmodb0', 'kmodd0.5', 'kmodd0', 'kmodd1']) {
      attempt('ip', ['link', 'del', name])
    }
    cleanUp('dummy', 'veth', 'bridge', '8021q')
  })

  test('are those of `ip`, in this namespace and in one that only a mount keeps', async () => {
    run('ip', ['link', 'add', 'kmodd0', 'type', 'dummy'])
    run('ip', ['link', 'set', 'kmodd0', 'up'])
    run('ip', ['link', 'add', 'link', 'kmodd0', 'name', 'kmodd0.5', 'type', 'vlan', 'id', '5'])
    run('ip', ['link', 'add', 'kmodb0', 'type', 'bridge'])
    run('ip', ['link', 'add', 'kmodd1', 'type', 'dummy'])
    run('ip', ['link', 'set', 'kmodd1', 'master', 'kmodb0'])
    run('ip', ['netns', 'add', 'kmodns'])
    run('ip', ['link', 'add', 'kmodv0', 'type', 'veth', 'peer', 'name', 'kmodv1'])
    run('ip', ['link', 'set', 'kmodv1', 'netns', 'kmodns'])
    run('ip', ['-n', 'kmodns', 'link', 'add', 'kmodd2', 'type', 'dummy'])

    const { links, unreadable } = await readSurvey(false)
    const own = links.filter(({ netns }) => netns === null).map(withoutNamespace)
    expect(own).toEqual(ipLinks(null))
    expect(own).toContainEqual(expect.objectContaining({ name: 'kmodd0.5', kind: 'vlan' }))
    const other = links.filter(({ netns }) => netns?.endsWith('/netns/kmodns'))
    expect(other.map(withoutNamespace)).toEqual(ipLinks('kmodns'))
    expect(other.map(({ name }) => name).sort()).toEqual(['kmodd2', 'kmodv1'])
    expect(unreadable).toEqual([])
  })

  test('of a namespace with a process are told by the process', async () => {
    const child = await startIn(['-n'], 'ip link add kmodp0 type dummy')
    try {
      const { links } = await readSurvey(false)
      expect(links).toContainEqual(
        expect.objectContaining({ netns: `pid:${child.pid}`, name: 'kmodp0', kind: 'dummy' }),
      )
    } finally {
      await end(child)
    }
  })

  test('with default routes of both families are told, each by all its next hops', async () => {
    const ip = (...args: string[]): string => run('ip', ['-n', 'kmodroutes', ...args])
    run('ip', ['netns', 'add', 'kmodroutes'])
    try {
      for (const n of [0, 1, 2, 3]) {
        ip('link', 'add', `r${n}`, 'type', 'dummy')
        ip('link', 'set', `r${n}`, 'up')
        ip('addr', 'add', `192.0.${n}.2/24`, 'dev', `r${n}`)
      }
      const hop = (n: number): string[] => ['nexthop', 'via', `192.0.${n}.1`, 'dev', `r${n}`]
      ip('route', 'add', 'default', ...hop(0), ...hop(1))
      ip('route', 'add', 'unreachable', 'default', 'metric', '4000')
      const six = attempt('ip', ['-n', 'kmodroutes', '-6', 'route', 'add', 'default', 'dev', 'r2'])
      const { links, defaultRoutes } = await readSurvey(false)
      const names = defaultRoutes
        .filter(({ netns }) => netns?.endsWith('/netns/kmodroutes'))
        .map(
          (route) =>
            links.find(({ netns, index }) => netns === route.netns && index === route.index)?.name,
        )
      expect(names.sort()).toEqual(six.status === 0 ? ['r0', 'r1', 'r2'] : ['r0', 'r1'])
    } finally {
      run('ip', ['netns', 'del', 'kmodroutes'])
    }
  })
})

describe('mounts', () => {
  test('are read of each mount namespace once', async () => {
    mkdirSync('/tmp/kmod-mount', { recursive: true })
    const child = await startIn(['-m'], 'mount -t tmpfs kmodtest /tmp/kmod-mount')
    try {
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
    } finally {
      await end(child)
    }
  })
})

describe('open devices', () => {
  beforeAll(() => modprobe('tun'))
  afterAll(() => cleanUp('tun'))

  test('are told with their process, and devices that are always there are not', async () => {
    await until('the device is there', () => existsSync('/dev/net/tun'))
    const fd = openSync('/dev/net/tun', 'r+')
    // In a mount namespace and a root of its own, where another path leads to the device.
    const child = await startIn(
      ['-m'],
      'mkdir -p /tmp/kmod-root && mount -t tmpfs x /tmp/kmod-root && ' +
        'mkdir -p /tmp/kmod-root/dev && mknod /tmp/kmod-root/dev/other c 10 200 && ' +
        'exec 5<>/tmp/kmod-root/dev/other 6</dev/zero',
    )
    try {
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
        path: '/tmp/kmod-root/dev/other',
        fd: 5,
        type: 'char',
        device: '10:200',
      })
      expect(openDevices.filter(({ device }) => device.startsWith('1:'))).toEqual([])
    } finally {
      await end(child)
      closeSync(fd)
    }
  })
})

describe('changes', () => {
  test('of modules, interfaces and mounts are told', async () => {
    let told = 0
    const stop = onKernelChange(() => told++)
    try {
      // Once when the watch begins.
      await until('the watch stands', () => told > 0)
      const tellsOf = async (what: string, change: () => void): Promise<void> => {
        await delay(200)
        const before = told
        change()
        await until(`${what} is told`, () => told > before)
      }
      await tellsOf('a module', () => modprobe('dummy', 'numdummies=0'))
      await tellsOf('an interface', () => run('ip', ['link', 'add', 'kmode0', 'type', 'dummy']))
      await tellsOf('its end', () => run('ip', ['link', 'del', 'kmode0']))
      await tellsOf('the end of a module', () => run('rmmod', ['dummy']))
      mkdirSync('/tmp/kmod-event', { recursive: true })
      await tellsOf('a mount', () => run('mount', ['-t', 'tmpfs', 'x', '/tmp/kmod-event']))
      await tellsOf('an unmount', () => run('umount', ['/tmp/kmod-event']))
    } finally {
      stop()
    }
  })
})

function withoutNamespace(link: { netns: string | null }): object {
  return Object.fromEntries(Object.entries(link).filter(([key]) => key !== 'netns'))
}
