/** Interfaces below a default route that the guard finds although no attribute names them. */
import { spawn, type ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { kmod } from '../../../lib'
import { readSurvey } from '../../support/live'
import { end, startReady } from '../processes'
import { attempt, modprobe, removeModules, run } from '../support'

const ip = (line: string): string => run('ip', line.split(' '))

async function defaultRoutesOf(module: string): Promise<string[]> {
  const effects = await kmod.impact(module)
  return effects.filter(({ kind }) => kind === 'default-route').map(({ subject }) => subject)
}

describe('over a network card (a dummy interface in this test)', () => {
  beforeAll(() => {
    ip('link add kmodc type dummy')
    ip('addr add 192.0.2.2/24 dev kmodc')
    ip('link set kmodc up')
  })
  afterEach(() => {
    for (const name of ['kmodgre', 'kmodwg', 'kmodm']) attempt('ip', ['link', 'del', name])
    attempt('ip', ['netns', 'del', 'kmodg'])
  })
  afterAll(() => {
    attempt('ip', ['link', 'del', 'kmodc'])
    removeModules('ip_gre', 'ipip', 'vxlan', 'geneve', 'ip_tunnel', 'gre')
    removeModules('macvlan', 'wireguard', 'dummy')
  })

  test('a tunnel without a device lies on the interface that leads to its other end', async () => {
    ip('link add kmodgre type gre remote 192.0.2.7 local 192.0.2.2')
    ip('link set kmodgre up')
    expect(await defaultRoutesOf('dummy')).toEqual([])
    ip('route add default dev kmodgre')
    expect(await defaultRoutesOf('dummy')).toEqual(['kmodgre'])
  })

  test.each([
    ['ipip', 'type ipip remote 192.0.2.7 local 192.0.2.2'],
    ['vxlan', 'type vxlan id 7 remote 192.0.2.7 dstport 4789'],
    ['geneve', 'type geneve id 7 remote 192.0.2.7'],
  ])('so does one of kind %s', async (_, kind) => {
    ip(`link add kmodgre ${kind}`)
    ip('link set kmodgre up')
    expect(await defaultRoutesOf('dummy')).toEqual([])
    ip('route add default dev kmodgre')
    expect(await defaultRoutesOf('dummy')).toEqual(['kmodgre'])
  })

  test('a PPP interface lies on the interfaces of all PPPoE sessions', async () => {
    modprobe('pppoe')
    const session = await startReady(['perl', join(__dirname, '../programs/pppoe.pl'), 'kmodc'])
    try {
      expect(await defaultRoutesOf('dummy')).toEqual([])
      ip('link set ppp0 up')
      ip('route add default dev ppp0')
      expect(await defaultRoutesOf('dummy')).toEqual(['ppp0'])
      expect(await defaultRoutesOf('ppp_generic')).toEqual(['ppp0'])
    } finally {
      await end(session)
      removeModules('pppoe', 'pppox', 'ppp_generic', 'slhc')
    }
  })

  test('two routes to half of all addresses through WireGuard are a default route', async () => {
    ip('link add kmodwg type wireguard')
    const peer = Buffer.alloc(32, 7).toString('base64')
    run('wg', ['set', 'kmodwg', 'peer', peer, 'endpoint', '192.0.2.7:51820'])
    ip('link set kmodwg up')
    ip('route add 0.0.0.0/1 dev kmodwg')
    expect(await defaultRoutesOf('wireguard')).toEqual([])
    ip('route add 128.0.0.0/1 dev kmodwg')
    expect(await defaultRoutesOf('wireguard')).toEqual(['kmodwg'])
    expect(await defaultRoutesOf('dummy')).toEqual(['kmodwg'])
  })

  test('two such routes of IPv6 are a default route, too', async () => {
    ip('link add kmodgre type gre remote 192.0.2.7 local 192.0.2.2')
    ip('link set kmodgre up')
    ip('-6 route add ::/1 dev kmodgre')
    expect(await defaultRoutesOf('dummy')).toEqual([])
    ip('-6 route add 8000::/1 dev kmodgre')
    expect(await defaultRoutesOf('dummy')).toEqual(['kmodgre'])
  })

  test('a macvlan in another network namespace lies on the card', async () => {
    ip('netns add kmodg')
    ip('link add link kmodc name kmodm type macvlan')
    ip('link set kmodm netns kmodg')
    ip('-n kmodg addr add 192.0.2.9/24 dev kmodm')
    ip('-n kmodg link set kmodm up')
    ip('-n kmodg route add default via 192.0.2.1')
    expect(await defaultRoutesOf('dummy')).toEqual([expect.stringMatching(/\/kmodg\/kmodm$/)])
  })
})

describe('a network namespace', () => {
  const children: ChildProcess[] = []
  afterEach(async () => {
    for (const child of children.splice(0)) {
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGKILL')
      await ended
    }
  })
  afterAll(() => removeModules('dummy'))
  const start = async (command: string, ...args: string[]): Promise<number> => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    children.push(child)
    await new Promise((resolve) => child.stdout.once('data', resolve))
    return child.pid!
  }
  const placeOf = async (name: string, users: boolean): Promise<string | null | undefined> =>
    (await readSurvey(users)).links.find((link) => link.name === name)?.netns

  test('of a thread is found', async () => {
    const script =
      'import ctypes, os, subprocess, threading, time\n' +
      'def run():\n' +
      '  ctypes.CDLL(None).unshare(0x40000000)\n' +
      '  subprocess.run(["ip", "link", "add", "kmodt", "type", "dummy"], check=True)\n' +
      '  print("ready", flush=True)\n' +
      '  time.sleep(1000)\n' +
      'threading.Thread(target=run).start()'
    const pid = await start('python3', '-c', script)
    expect(await placeOf('kmodt', false)).toMatch(new RegExp(`^/proc/${pid}/task/\\d+/ns/net$`))
  })

  // Below a root on tmpfs: the survey follows a path of another process only as far as the kernel has
  // it in its cache, which never holds for long below an overlay on 9p as in this guest.
  test('that is mounted in another mount namespace is found', async () => {
    const script =
      'mount -t tmpfs kmod /mnt && cp /bin/busybox /mnt && touch /mnt/net && ' +
      'unshare --net=/mnt/net true && ' +
      'nsenter --net=/mnt/net ip link add kmodn type dummy && ' +
      'exec chroot /mnt /busybox sh -c "echo ready; exec /busybox sleep 1000"'
    const pid = await start('unshare', '-m', 'sh', '-c', script)
    expect(await placeOf('kmodn', false)).toBe(`/proc/${pid}/root/net`)
  })

  test('that exists only because of an open descriptor is found if descriptors are read', async () => {
    const inside = 'ip link add kmodf type dummy && exec 5</proc/self/ns/net'
    const outside = 'exec nsenter --net=/proc/1/ns/net sh -c "echo ready; exec sleep 1000"'
    const pid = await start('unshare', '-n', 'sh', '-c', `${inside} && ${outside}`)
    expect(await placeOf('kmodf', true)).toBe(`/proc/${pid}/fd/5`)
  })
})
