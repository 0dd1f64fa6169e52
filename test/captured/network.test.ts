/** The network of a captured system: its survey, and the sessions and sockets in it. */
import { readSessions } from '../../lib/snapshot/network/sessions'
import { readSockets } from '../../lib/snapshot/network/sockets'
import { Holders } from '../../lib/snapshot/system/holders'
import { snapshotOf, surveyOf } from '../support/captured-snapshot'
import { CapturedSystem } from '../support/captured-system'
import { fillLaptop } from '../support/laptop'
import { SysfsWriter } from '../support/sysfs'

let system: CapturedSystem
beforeEach(() => (system = fillLaptop(new CapturedSystem())))
afterEach(() => system.remove())

const holders = new Holders({ ownCgroups: [] })
const file = (name: string): string => `proc/3001/net/${name}`

describe('an address', () => {
  test('belongs to the interface whose network contains it', async () => {
    const { addresses } = await surveyOf(system)
    expect(addresses).toEqual([
      { netns: null, index: 5, address: 'fd00::5' },
      { netns: null, index: 2, address: '192.168.1.23' },
    ])
  })

  test('belongs to the network with the longest prefix, not to a route with a gateway', async () => {
    const row = (device: string, network: string, flags: string, mask: string): string =>
      `${device}\t${network}\t00000000\t${flags}\t0\t0\t0\t${mask}\t0\t0\t0\n`
    system.write(
      file('route'),
      `Iface\tDestination\n${row('br0', '0000A8C0', '0001', '0000FFFF')}` +
        `${row('tun0', '1001A8C0', '0003', 'F0FFFFFF')}${row('enp0s31f6', '0001A8C0', '0001', '00FFFFFF')}`,
    )
    const { addresses } = await surveyOf(system)
    expect(addresses).toContainEqual({ netns: null, index: 2, address: '192.168.1.23' })
  })

  test('without a network is reported as unreadable', async () => {
    system.write(file('route'), 'Iface\tDestination\n')
    const { addresses, unreadable } = await surveyOf(system)
    expect(addresses.map(({ address }) => address)).toEqual(['fd00::5'])
    expect(unreadable).toContainEqual(expect.stringContaining('192.168.1.23'))
  })
})

describe('two routes, each to half of all addresses', () => {
  const row = (device: string, network: string, mask: string): string =>
    `${device}\t${network}\t00000000\t0001\t0\t0\t0\t${mask}\t0\t0\t0\n`
  const LOWER = row('tun0', '00000000', '00000080')
  const UPPER = row('tun0', '00000080', '00000080')
  const indexes = async (): Promise<number[]> =>
    (await surveyOf(system, false)).defaultRoutes.map(({ index }) => index)

  test('are a default route; one of them alone is not', async () => {
    system.write(file('ipv6_route'), '').write(file('route'), LOWER)
    expect(await indexes()).toEqual([])
    system.write(file('route'), LOWER + UPPER)
    expect(await indexes()).toEqual([8])
  })

  test('are a default route with IPv6, too', async () => {
    const zero = '0'.repeat(32)
    const half = (first: string): string =>
      `${first}${zero.slice(1)} 01 ${zero} 00 ${zero} 00000400 00000001 00000000 00000001     tun0\n`
    system.write(file('route'), '').write(file('ipv6_route'), half('0'))
    expect(await indexes()).toEqual([])
    system.write(file('ipv6_route'), half('0') + half('8'))
    expect(await indexes()).toEqual([8])
  })
})

describe('an interface that the driver of its device does not create', () => {
  const pci = (module: string) => ({ bus: 'pci', name: module, module })
  const modulesOf = async (name: string): Promise<string[]> => {
    const { interfaces } = await snapshotOf(system, {}, false)
    return interfaces.find((one) => one.name === name)!.modules
  }
  const hold = (module: string, ...holders: string[]): void => {
    for (const holder of holders) {
      system.write(`sys/module/${module}/holders/${holder}/initstate`, 'live\n')
    }
  }

  test('needs the module that creates it: iwlmvm on iwlwifi', async () => {
    hold('iwlwifi', 'iwlmvm')
    expect(await modulesOf('wlp0s20f3')).toEqual(['iwlmvm', 'iwlwifi'])
  })

  test('needs the module of its auxiliary device, not that of RDMA: mlx4_en on mlx4_core', async () => {
    const sysfs = new SysfsWriter(system)
    const parent = sysfs.device('pci0000:00/0000:05:00.0', pci('mlx4_core'))
    sysfs.interface('ens5', { index: 20, flags: '0x1003', parent })
    hold('mlx4_core', 'mlx4_en', 'mlx4_ib')
    hold('ib_core', 'mlx4_ib')
    expect(await modulesOf('ens5')).toEqual(['mlx4_en', 'mlx4_core'])
    for (const [module, part] of [
      ['mlx4_en', 'eth'],
      ['mlx4_ib', 'ib'],
    ] as const) {
      const device = `${parent.replace('/sys/devices/', '')}/mlx4_core.${part}.0`
      sysfs.device(device, { bus: 'auxiliary', name: `${module}.mlx4_${part}`, module })
    }
    expect(await modulesOf('ens5')).toEqual(['mlx4_en', 'mlx4_core'])
  })
})

test('a connection to another machine is a session, one within the machine is not', async () => {
  expect(readSessions({ raw: await surveyOf(system, false) })).toEqual([
    { netns: null, interface: 'enp0s31f6', remote: '203.0.113.9:22' },
  ])
})

test('sockets and settings are read only if users are wanted', async () => {
  system
    .write(
      file('protocols'),
      'protocol  size\nSCTP      1400      2       0   no       0   yes  sctp        y  n\n',
    )
    .write('proc/sys/net/ipv4/tcp_congestion_control', 'vegas\n')
  const withUsers = await surveyOf(system)
  expect(withUsers.users).toBe(true)
  expect(readSockets({ raw: withUsers, holders })).toEqual([
    { protocol: 'SCTP', count: 2, held: null, processes: [], modules: ['sctp'], ofSome: [] },
  ])
  expect(withUsers.netFiles.map(({ path }) => path)).toEqual([
    '/proc/net/tcp',
    '/proc/net/protocols',
    '/proc/sys/net/ipv4/tcp_congestion_control',
  ])
  const without = await surveyOf(system, false)
  expect(without.users).toBe(false)
  expect(without.netFiles.map(({ path }) => path)).toEqual(['/proc/net/tcp'])
})

test('what no file shows is reported as unreadable if its module is loaded', async () => {
  expect((await surveyOf(system)).unreadable.join()).not.toMatch(/nftables|queueing/)
  system.write('proc/modules', 'nf_tables 1 0 - Live 0x0\nsch_htb 1 0 - Live 0x0\n')
  expect((await surveyOf(system)).unreadable).toEqual(
    expect.arrayContaining([
      expect.stringContaining('nftables'),
      expect.stringContaining('queueing disciplines'),
    ]),
  )
  expect((await surveyOf(system, false)).unreadable.join()).not.toMatch(/queueing/)
})

test('damaged files are read as empty ones', async () => {
  for (const name of ['tcp', 'tcp6', 'protocols', 'fib_trie', 'if_inet6', 'route', 'ipv6_route']) {
    system.write(file(name), '\0\x01 |-- 999\n \t: ZZ\n0: 00:1 2 3\n|-- 1.2.3.4\n')
  }
  const raw = await surveyOf(system)
  expect(raw).toMatchObject({ addresses: [], defaultRoutes: [] })
  expect(readSessions({ raw })).toEqual([])
  expect(readSockets({ raw, holders })).toEqual([])
})
