/** What runs on the network of a captured system. */
import { RootView } from '../../lib/captured/root-view'
import { capturedFiles } from '../../lib/captured/captured-files'
import { capturedSurvey } from '../../lib/captured/captured-survey'
import type { RawSurvey } from '../../lib/snapshot/system/raw'
import { readSessions } from '../../lib/snapshot/sessions'
import { readSockets } from '../../lib/snapshot/sockets'
import { CapturedSystem } from '../support/captured-system'
import { fillLaptop } from '../support/laptop'

let system: CapturedSystem
beforeEach(() => (system = fillLaptop(new CapturedSystem())))
afterEach(() => system.remove())

const survey = (users = true): Promise<RawSurvey> =>
  capturedSurvey(capturedFiles(new RootView(system.root)), users)
const file = (name: string): string => `proc/3001/net/${name}`

test('addresses belong to the interface whose network they are in', async () => {
  const { addresses } = await survey()
  expect(addresses).toEqual([
    { netns: null, index: 5, address: 'fd00::5' },
    { netns: null, index: 2, address: '192.168.1.23' },
  ])
})

test('the longest prefix counts, and a gateway is no network', async () => {
  const row = (device: string, network: string, flags: string, mask: string): string =>
    `${device}\t${network}\t00000000\t${flags}\t0\t0\t0\t${mask}\t0\t0\t0\n`
  system.write(
    file('route'),
    `Iface\tDestination\n${row('br0', '0000A8C0', '0001', '0000FFFF')}` +
      `${row('tun0', '1001A8C0', '0003', 'F0FFFFFF')}${row('enp0s31f6', '0001A8C0', '0001', '00FFFFFF')}`,
  )
  const { addresses } = await survey()
  expect(addresses).toContainEqual({ netns: null, index: 2, address: '192.168.1.23' })
})

test('an address without a network is told', async () => {
  system.write(file('route'), 'Iface\tDestination\n')
  const { addresses, unreadable } = await survey()
  expect(addresses.map(({ address }) => address)).toEqual(['fd00::5'])
  expect(unreadable).toContainEqual(expect.stringContaining('192.168.1.23'))
})

test('the connection to another machine is a session, that to itself is none', async () => {
  expect(readSessions(await survey(false))).toEqual([
    { netns: null, interface: 'enp0s31f6', remote: '203.0.113.9:22' },
  ])
})

test('sockets and settings are read where users are wanted', async () => {
  system
    .write(
      file('protocols'),
      'protocol  size\nSCTP      1400      2       0   no       0   yes  sctp        y  n\n',
    )
    .write('proc/sys/net/ipv4/tcp_congestion_control', 'vegas\n')
  expect(readSockets((await survey()).netFiles)).toEqual([
    { protocol: 'SCTP', count: 2, modules: ['sctp'] },
  ])
  expect((await survey()).netFiles.map(({ path }) => path)).toEqual([
    '/proc/net/tcp',
    '/proc/net/protocols',
    '/proc/sys/net/ipv4/tcp_congestion_control',
  ])
  expect((await survey(false)).netFiles.map(({ path }) => path)).toEqual(['/proc/net/tcp'])
})

test('what no file shows is told where its module is loaded', async () => {
  expect((await survey()).unreadable.join()).not.toMatch(/nftables|queueing/)
  system.write('proc/modules', 'nf_tables 1 0 - Live 0x0\nsch_htb 1 0 - Live 0x0\n')
  expect((await survey()).unreadable).toEqual(
    expect.arrayContaining([
      expect.stringContaining('nftables'),
      expect.stringContaining('queueing disciplines'),
    ]),
  )
  expect((await survey(false)).unreadable.join()).not.toMatch(/nftables|queueing/)
})

test('damaged files are as good as none', async () => {
  for (const name of ['tcp', 'tcp6', 'protocols', 'fib_trie', 'if_inet6', 'route', 'ipv6_route']) {
    system.write(file(name), '\0\x01 |-- 999\n \t: ZZ\n0: 00:1 2 3\n|-- 1.2.3.4\n')
  }
  const raw = await survey()
  expect(raw).toMatchObject({ addresses: [], defaultRoutes: [] })
  expect(readSessions(raw)).toEqual([])
  expect(readSockets(raw.netFiles)).toEqual([])
})
