/** The network's side of a snapshot: from raw facts to sessions, sockets and users. */
import fc from 'fast-check'
import { isIPv4, isIPv6 } from 'node:net'
import { explain } from '../../lib/explain/explain'
import { effectsOf } from '../../lib/guard/effects'
import { KmodError } from '../../lib/contract/errors'
import { Aliases } from '../../lib/snapshot/system/aliases'
import { establishedConnections } from '../../lib/snapshot/connections'
import {
  addressOfBytes,
  addressOfWords,
  endpoint,
  isLoopback,
} from '../../lib/snapshot/system/ip-address'
import { commandIn } from '../../lib/snapshot/system/net-namespace'
import { readNetworkUses } from '../../lib/snapshot/network-uses'
import type { RawSurvey } from '../../lib/snapshot/system/raw'
import { readSessions } from '../../lib/snapshot/sessions'
import { readSockets } from '../../lib/snapshot/sockets'
import { SimulatedKernel } from '../support/simulated-kernel'
import { netInterface, snapshot } from '../support/snapshots'

const nothing: RawSurvey = {
  mountTables: [],
  links: [],
  defaultRoutes: [],
  addresses: [],
  netFiles: [],
  trafficControl: [],
  nfTables: [],
  openDevices: [],
  unreadable: [],
}
const NETNS = '/run/netns/blue'

function link(
  index: number,
  name: string,
  netns: string | null = null,
): RawSurvey['links'][number] {
  const plain = { up: true, kind: null, master: 0, lower: 0, bus: null, device: null }
  return { netns, index, name, ...plain }
}

/** Knows these aliases, and their modules. */
function aliases(known: Readonly<Record<string, string>>): Aliases {
  const kernel = new SimulatedKernel()
  kernel.index.lookup = (asked) =>
    Promise.resolve(asked.map((alias) => (known[alias] === undefined ? [] : [known[alias]])))
  return new Aliases(kernel.index)
}

describe('addresses', () => {
  test('are written as inet_ntop does', () => {
    const bytes = (hex: string): string => addressOfBytes(Buffer.from(hex, 'hex'))
    expect(bytes('20010db8000000000000000000000001')).toBe('2001:db8::1')
    expect(bytes('00000000000000000000000000000000')).toBe('::')
    expect(bytes('20010db8000000010000000000000000')).toBe('2001:db8:0:1::')
    expect(bytes('20010db8000000010001000100010001')).toBe('2001:db8:0:1:1:1:1:1')
    expect(bytes('00000000000000000000ffffc0000207')).toBe('192.0.2.7')
    expect(addressOfWords('070200C0')).toBe('192.0.2.7')
    expect(addressOfWords('B80D0120000000000000000001000000')).toBe('2001:db8::1')
    for (const text of ['', '070200C', '070200CZ', '070200C0070200C0']) {
      expect(addressOfWords(text)).toBeNull()
    }
    expect(endpoint('::1', 22)).toBe('[::1]:22')
    expect(['127.0.0.1', '::1', '128.0.0.1', '::'].map(isLoopback)).toEqual([
      true,
      true,
      false,
      false,
    ])
  })

  test('of any bytes are addresses, each its own', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
        const text = addressOfBytes(Buffer.from(bytes))
        expect(isIPv6(text) || isIPv4(text)).toBe(true)
        const url = new URL(`http://${endpoint(text, 80)}/`).hostname
        expect(url).toBe(isIPv4(text) ? text : `[${text}]`)
      }),
    )
  })
})

const HEADING = '  sl  local_address rem_address   st tx_queue rx_queue\n'
function row(local: string, remote: string, state = '01'): string {
  return `   0: ${local}:C000 ${remote}:0016 ${state} 00000000:00000000 00:00000000 0 0 0 1\n`
}

describe('connections', () => {
  test('are those that are established', () => {
    const text = HEADING + row('0A0200C0', '070200C0') + row('0A0200C0', '080200C0', '06')
    expect(establishedConnections(text)).toEqual([
      { local: '192.0.2.10', remote: '192.0.2.7', remotePort: 22 },
    ])
  })

  test('that are cut off or nonsense are left out', () => {
    const text = HEADING + row('0A0200C0', '070200C0')
    for (let end = 0; end < text.length; end++) establishedConnections(text.slice(0, end))
    fc.assert(fc.property(fc.string(), (any) => void establishedConnections(any)))
    expect(establishedConnections(row('0A0200C', '070200C0') + row('', ''))).toEqual([])
  })
})

describe('sessions', () => {
  const raw: RawSurvey = {
    ...nothing,
    links: [link(2, 'eth0'), link(3, 'eth1'), link(2, 'veth9', NETNS)],
    addresses: [
      { netns: null, index: 1, address: '127.0.0.1' },
      { netns: null, index: 1, address: '192.0.2.99' },
      { netns: null, index: 2, address: '192.0.2.10' },
      { netns: null, index: 3, address: '192.0.2.11' },
      { netns: NETNS, index: 2, address: '192.0.2.10' },
    ],
  }
  const tcp = (text: string, netns: string | null = null) => ({
    netns,
    path: '/proc/net/tcp',
    text,
  })

  test('go by the interface that holds the local address', () => {
    const netFiles = [
      tcp(row('0A0200C0', '070200C0') + row('0B0200C0', '080200C0')),
      tcp(row('0A0200C0', '090200C0'), NETNS),
      { netns: null, path: '/proc/net/protocols', text: row('0A0200C0', '010200C0') },
    ]
    expect(readSessions({ ...raw, netFiles })).toEqual([
      { netns: null, interface: 'eth0', remote: '192.0.2.7:22' },
      { netns: null, interface: 'eth1', remote: '192.0.2.8:22' },
      { netns: NETNS, interface: 'veth9', remote: '192.0.2.9:22' },
    ])
  })

  test('with this machine itself are none, nor of addresses that no interface holds', () => {
    const text =
      row('0100007F', '0100007F') + // 127.0.0.1
      row('0A0200C0', '0B0200C0') + // eth0 to eth1
      row('630200C0', '070200C0') + // held by the loopback
      row('640200C0', '070200C0') // held by nobody
    expect(readSessions({ ...raw, netFiles: [tcp(text)] })).toEqual([])
  })

  test('are a hundred for each interface at most, each remote once', () => {
    const one = row('0A0200C0', '070200C0')
    expect(readSessions({ ...raw, netFiles: [tcp(one.repeat(5))] })).toHaveLength(1)
    const hex = (n: number): string => n.toString(16).padStart(8, '0').toUpperCase()
    const many = Array.from({ length: 5000 }, (_, i) =>
      row('0A0200C0', hex(0x01000009 + i * 0x100)),
    )
    expect(readSessions({ ...raw, netFiles: [tcp(many.join(''))] })).toHaveLength(100)
  })

  test('are critical for the interface and all below, once for each interface', () => {
    const interfaces = [
      netInterface('eth0', { modules: ['e1000e'], master: 'bond0' }),
      netInterface('bond0', { modules: ['bonding'], lower: ['eth0'] }),
      netInterface('eth1', { modules: ['igb'], hasDefaultRoute: true }),
    ]
    const session = (name: string, remote: string) => ({ netns: null, interface: name, remote })
    const effects = effectsOf(
      snapshot({
        interfaces,
        sessions: [
          session('bond0', '192.0.2.7:22'),
          session('bond0', '192.0.2.8:22'),
          session('eth1', '192.0.2.9:22'),
        ],
      }),
    )
    expect(effects.get('bonding')).toMatchObject([
      { kind: 'session', severity: 'critical', subject: 'bond0' },
    ])
    expect(effects.get('bonding')![0]!.message).toMatch(/2 connections.*192\.0\.2\.7:22.*bond0/)
    expect(effects.get('e1000e')).toMatchObject([
      { kind: 'session', subject: 'bond0' },
      { kind: 'interface', subject: 'eth0' },
    ])
    // The default route that goes with it is more.
    expect(effects.get('igb')).toMatchObject([{ kind: 'default-route', subject: 'eth1' }])
  })
})

describe('sockets', () => {
  const protocols = (...rows: string[]) => ({
    netns: null,
    path: '/proc/net/protocols',
    text: `protocol  size sockets  memory press maxhdr  slab module     cl co\n${rows.join('\n')}\n`,
  })
  const SCTP = 'SCTP      1400      2       0   no       0   yes  sctp        y  n'

  test('are those of modules, of all namespaces together', () => {
    expect(
      readSockets([
        protocols(SCTP, 'TCP       2368      9       1   no     320   yes  kernel      y  y'),
        {
          ...protocols(SCTP, 'SCTPv6  1  0  0  no  0  yes  sctp  y', 'X 1 -2 0 a b c x'),
          netns: NETNS,
        },
      ]),
    ).toEqual([{ protocol: 'SCTP', count: 4, modules: ['sctp'] }])
  })

  test('that have a table of their own are counted there', () => {
    const row = 'L2CAP     1000      0      -1   NI       0   no   bluetooth   n  n'
    const table = 'sk               RefCnt Rmem   Wmem   User   Inode  Parent\n1 2 0 0 0 9 0\n'
    expect(
      readSockets([protocols(row), { netns: null, path: '/proc/net/l2cap', text: table }]),
    ).toEqual([{ protocol: 'L2CAP', count: 1, modules: ['bluetooth'] }])
    expect(readSockets([{ netns: null, path: '/proc/net/l2cap', text: table }])).toEqual([])
  })

  test('in a long text of nothing are found in no time', () => {
    const text = `0: ${' '.repeat(50_000)}\n`.repeat(3) + '\n'.repeat(100_000)
    expect(readSockets([{ ...protocols(), text }])).toEqual([])
    expect(establishedConnections(text)).toEqual([])
  })

  test('in a text that is cut off or nonsense are left out', () => {
    const { text } = protocols(SCTP)
    for (let end = 0; end < text.length; end++) {
      readSockets([{ ...protocols(), text: text.slice(0, end) }])
    }
    fc.assert(fc.property(fc.string(), (any) => void readSockets([{ ...protocols(), text: any }])))
  })

  test('explain takes one reference for each', async () => {
    const kernel = new SimulatedKernel().add('sctp', { references: 4 })
    kernel.snapshotNow = snapshot({ sockets: [{ protocol: 'SCTP', count: 1, modules: ['sctp'] }] })
    expect(await explain(kernel, 'sctp')).toMatchObject({
      references: 4,
      unexplained: 3,
      users: [
        { kind: 'socket', protocol: 'SCTP', count: 1, references: 1, release: { command: null } },
      ],
    })
  })
})

describe('interfaces in explain', () => {
  test.each([
    [null, 'bridge', ['ip', 'link', 'del', 'x0']],
    [NETNS, 'bridge', ['ip', '-n', 'blue', 'link', 'del', 'x0']],
    ['pid:77', 'bridge', ['nsenter', '-t', '77', '-n', 'ip', 'link', 'del', 'x0']],
    ['/run/docker/ns', 'veth', ['nsenter', '--net=/run/docker/ns', 'ip', 'link', 'del', 'x0']],
    [null, null, ['ip', 'link', 'set', 'x0', 'down']],
    [null, 'can', ['ip', 'link', 'set', 'x0', 'down']],
  ])('of namespace %s and kind %s are let go', async (netns, type, command) => {
    const kernel = new SimulatedKernel().add('m')
    const one = netInterface('x0', { netns, type, modules: ['m'], master: 'br0', up: false })
    kernel.snapshotNow = snapshot({ interfaces: [one, netInterface('other')] })
    const { users, unexplained } = await explain(kernel, 'm')
    const fields = { kind: 'interface', name: 'x0', netns, type, up: false, master: 'br0' }
    expect(users).toMatchObject([{ ...fields, references: 0, release: { command } }])
    expect(unexplained).toBe(0)
  })

  test('of a tun may have a reference, which is not made up', async () => {
    const kernel = new SimulatedKernel().add('tun', { references: 1 })
    const tun = netInterface('t0', { type: 'tun', modules: ['tun'] })
    kernel.snapshotNow = snapshot({ interfaces: [tun] })
    expect(await explain(kernel, 'tun')).toMatchObject({
      unexplained: 1,
      users: [{ references: null }],
    })
  })
})

describe('uses by name', () => {
  const short = async (raw: Partial<RawSurvey>, known: Readonly<Record<string, string>> = {}) =>
    (await readNetworkUses({ ...nothing, ...raw }, aliases(known))).map(
      ({ name, value, modules, references }) => ({ name, value, modules, references }),
    )
  const table = { netns: null, family: 1, name: 't', chains: 1, rules: 2 }

  test('nftables: one for each module, with its references', async () => {
    const parts = [
      { kind: 'chain', name: 'filter', count: 1 },
      { kind: 'chain', name: 'nat', count: 2 },
      { kind: 'expression', name: 'cmp', count: 5 },
      { kind: 'expression', name: 'ct', count: 3 },
      { kind: 'expression', name: 'reject', count: 1 },
      { kind: 'object', name: '1', count: 1 },
      { kind: 'object', name: '3', count: 1 },
      { kind: 'flowtable', name: '', count: 1 },
      { kind: 'extension', name: 'conntrack', count: 4 },
      { kind: 'new to us', name: 'x', count: 9 },
    ]
    const known = {
      'nft-chain-1-nat': 'nft-chain-nat',
      'nft-expr-ct': 'nft_ct',
      'nft-expr-1-reject': 'nft_reject_inet',
      'nft-obj-3': 'nft_ct',
      'nf-flowtable-1': 'nf_flow_table_inet',
      xt_conntrack: 'xt_conntrack',
    }
    const own = { name: 'inet t', value: '1 chain, 2 rules' }
    expect(await short({ nfTables: [{ ...table, parts }] }, known)).toEqual(
      [
        ['nf_tables', 6],
        ['nft_chain_nat', 2],
        ['nft_ct', 4],
        ['nft_reject_inet', 1],
        ['nf_flow_table_inet', 1],
        ['xt_conntrack', 4],
      ].map(([module, references]) => ({ ...own, modules: [module], references })),
    )
  })

  test('nftables without an index: no reference is told', async () => {
    const kernel = new SimulatedKernel()
    kernel.index.lookup = () => Promise.reject(new KmodError('ERR_KMOD_FORMAT', 'Damaged.'))
    const parts = [{ kind: 'expression', name: 'ct', count: 3 }]
    const raw = { ...nothing, nfTables: [{ ...table, parts }] }
    expect(await readNetworkUses(raw, new Aliases(kernel.index))).toMatchObject([
      { modules: ['nf_tables'], references: null },
    ])
  })

  test('nftables of another namespace is let go there', async () => {
    const raw = { ...nothing, nfTables: [{ ...table, netns: NETNS, family: 99, parts: [] }] }
    expect(await readNetworkUses(raw, aliases({}))).toMatchObject([
      {
        name: `${NETNS}/99 t`,
        references: 0,
        release: { command: ['ip', 'netns', 'exec', 'blue', 'nft', 'delete', 'table', '99', 't'] },
      },
    ])
  })

  test('nftables: a name that nft would read as more than a name has no command', async () => {
    for (const name of ['x; flush ruleset', '', '{', 'a b']) {
      const raw = { ...nothing, nfTables: [{ ...table, name, parts: [] }] }
      expect(await readNetworkUses(raw, aliases({}))).toMatchObject([
        { release: { command: null } },
      ])
    }
  })

  test('iptables: each table that is there, without a reference', async () => {
    const netFiles = [
      { netns: null, path: '/proc/net/ip_tables_names', text: 'nat\nfilter\n' },
      { netns: 'pid:9', path: '/proc/net/ip6_tables_names', text: 'filter\n' },
      { netns: null, path: '/proc/net/tcp', text: 'filter\n' },
    ]
    expect(await short({ netFiles })).toEqual([
      { name: 'nat', value: 'iptables', modules: ['iptable_nat'], references: 0 },
      { name: 'filter', value: 'iptables', modules: ['iptable_filter'], references: 0 },
      { name: 'pid:9/filter', value: 'ip6tables', modules: ['ip6table_filter'], references: 0 },
    ])
  })

  test('traffic control: by alias, or by the name of the module', async () => {
    const root = { netns: null, index: 2, filter: false, handle: 0x10000, parent: 0xffffffff }
    const trafficControl = [
      { ...root, kind: 'htb' },
      { ...root, kind: 'fq', handle: 0, parent: 0x10001 },
      { ...root, kind: 'fq', handle: 0, parent: 0x10002 },
      { ...root, kind: 'clsact', handle: 0xffff0000, parent: 0xfffffff1 },
      { ...root, kind: 'u32', filter: true, handle: 0, parent: 0x10000 },
      { ...root, kind: 'flower', filter: true, handle: 0, parent: 0xfffffff2 },
      { ...root, kind: 'tbf', index: 7 },
    ]
    const raw = { ...nothing, links: [link(2, 'eth0')], trafficControl }
    const known = { 'net-sch-htb': 'sch_htb', sch_clsact: 'sch_ingress' }
    const uses = await readNetworkUses(raw, aliases(known))
    expect(
      uses.map(({ name, value, modules: [module], references, release: { command } }) =>
        [name, value, module, references, command!.slice(1).join(' ')].join(' | '),
      ),
    ).toEqual([
      'eth0 | htb | sch_htb | 1 | qdisc del dev eth0 root',
      'eth0 | fq | sch_fq | 2 | qdisc replace dev eth0 root pfifo_fast',
      'eth0 | clsact | sch_ingress | 1 | qdisc del dev eth0 clsact',
      'eth0 | filter u32 | cls_u32 | 1 | filter del dev eth0 parent 1:',
      'eth0 | filter flower | cls_flower | 1 | filter del dev eth0 ingress',
      'lo | tbf | sch_tbf | 1 | qdisc del dev lo root',
    ])
  })

  test('settings', async () => {
    const netFiles = [
      { netns: null, path: '/proc/sys/net/ipv4/tcp_congestion_control', text: 'vegas\n' },
      { netns: null, path: '/proc/sys/net/core/default_qdisc', text: 'fq\n' },
      { netns: null, path: '/proc/sys/net/ipv4/tcp_congestion_control', text: '\n' },
    ]
    expect(await short({ netFiles })).toEqual([
      {
        name: 'net.ipv4.tcp_congestion_control',
        value: 'vegas',
        modules: ['tcp_vegas'],
        references: 1,
      },
      { name: 'net.core.default_qdisc', value: 'fq', modules: ['sch_fq'], references: 1 },
    ])
  })
})

test('commands run in the namespace that is meant', () => {
  expect(commandIn('/var/run/netns/blue', ['tc', 'x'])).toEqual(['tc', '-n', 'blue', 'x'])
  expect(commandIn(NETNS, ['sysctl', 'x'])).toEqual(['ip', 'netns', 'exec', 'blue', 'sysctl', 'x'])
  expect(commandIn('/run/netns/a/b', ['ip', 'x'])).toEqual([
    'nsenter',
    '--net=/run/netns/a/b',
    'ip',
    'x',
  ])
})
