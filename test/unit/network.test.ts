/** The network without a kernel: the readers, what explain() makes of the facts, and the effects. */
import fc from 'fast-check'
import { isIPv4, isIPv6 } from 'node:net'
import { KmodError } from '../../lib/contract/errors'
import type { User } from '../../lib/contract/types'
import { explain } from '../../lib/explain/explain'
import { commandIn } from '../../lib/explain/kind'
import { findUsers } from '../../lib/explain/users'
import { effectsOf } from '../../lib/guard/effects'
import { inNamespace } from '../../lib/kernel/net-namespace'
import type { ModuleIndex } from '../../lib/kernel/module-index'
import type { SystemFiles } from '../../lib/kernel/system-files'
import { buildSnapshot } from '../../lib/snapshot/build'
import { establishedConnections, readSessions } from '../../lib/snapshot/network/sessions'
import { readSockets } from '../../lib/snapshot/network/sockets'
import {
  addressOfBytes,
  addressOfWords,
  endpoint,
  isLoopback,
} from '../../lib/snapshot/system/ip-address'
import { Holders } from '../../lib/snapshot/system/holders'
import type { RawNetFile, RawOpenSockets, RawSurvey } from '../../lib/snapshot/system/raw-survey'
import { aliasIndex, type AliasTable } from '../support/captured-snapshot'
import { SimulatedKernel } from '../../lib/testing/simulated-kernel'
import { holder, loaded, netInterface, rawLink, snapshot, survey } from '../support/snapshots'

const NETNS = '/run/netns/blue'

/** A system without any file. */
const noFiles: SystemFiles = {
  readTexts: (paths) => Promise.resolve(paths.map(() => null)),
  readBytes: (paths) => Promise.resolve(paths.map(() => null)),
  readLinks: (paths) => Promise.resolve(paths.map(() => null)),
  listNames: (folders) => Promise.resolve(folders.map(() => [])),
  readStatuses: (paths) => Promise.resolve(paths.map(() => null)),
}

describe('addresses', () => {
  test('are written as inet_ntop(3) does', () => {
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

  test('of any bytes are valid, and read back as the same address', () => {
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
  test('count once they are established', () => {
    const text = HEADING + row('0A0200C0', '070200C0') + row('0A0200C0', '080200C0', '06')
    expect(establishedConnections(text)).toEqual([
      { local: '192.0.2.10', remote: '192.0.2.7', remotePort: 22 },
    ])
  })

  test('in rows that are cut off or malformed are left out', () => {
    const text = HEADING + row('0A0200C0', '070200C0')
    for (let end = 0; end < text.length; end++) establishedConnections(text.slice(0, end))
    fc.assert(fc.property(fc.string(), (any) => void establishedConnections(any)))
    expect(establishedConnections(row('0A0200C', '070200C0') + row('', ''))).toEqual([])
  })
})

describe('sessions', () => {
  const raw = survey({
    links: [rawLink(2, 'eth0'), rawLink(3, 'eth1'), rawLink(2, 'veth9', { netns: NETNS })],
    addresses: [
      { netns: null, index: 1, address: '127.0.0.1' },
      { netns: null, index: 1, address: '192.0.2.99' },
      { netns: null, index: 2, address: '192.0.2.10' },
      { netns: null, index: 3, address: '192.0.2.11' },
      { netns: NETNS, index: 2, address: '192.0.2.10' },
    ],
  })
  const sessionsOf = (...netFiles: RawNetFile[]) => readSessions({ raw: { ...raw, netFiles } })
  const tcp = (text: string, netns: string | null = null): RawNetFile => ({
    netns,
    path: '/proc/net/tcp',
    text,
  })

  test('belong to the interface that has the local address', () => {
    const sessions = sessionsOf(
      tcp(row('0A0200C0', '070200C0') + row('0B0200C0', '080200C0')),
      tcp(row('0A0200C0', '090200C0'), NETNS),
      { netns: null, path: '/proc/net/protocols', text: row('0A0200C0', '010200C0') },
    )
    expect(sessions).toEqual([
      { netns: null, interface: 'eth0', remote: '192.0.2.7:22' },
      { netns: null, interface: 'eth1', remote: '192.0.2.8:22' },
      { netns: NETNS, interface: 'veth9', remote: '192.0.2.9:22' },
    ])
  })

  test('exclude connections within this machine, and those of an address that no interface has', () => {
    const text =
      row('0100007F', '0100007F') + // 127.0.0.1
      row('0A0200C0', '0B0200C0') + // eth0 to eth1
      row('630200C0', '070200C0') + // of the loopback interface
      row('640200C0', '070200C0') // of no interface
    expect(sessionsOf(tcp(text))).toEqual([])
  })

  test('are at most 100 for each interface, each remote once', () => {
    const one = row('0A0200C0', '070200C0')
    expect(sessionsOf(tcp(one.repeat(5)))).toHaveLength(1)
    const hex = (n: number): string => n.toString(16).padStart(8, '0').toUpperCase()
    const many = Array.from({ length: 5000 }, (_, i) =>
      row('0A0200C0', hex(0x01000009 + i * 0x100)),
    )
    expect(sessionsOf(tcp(many.join('')))).toHaveLength(100)
  })

  test('are one critical effect for each interface, on it and on all below', () => {
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
      { kind: 'interface', subject: 'bond0' },
    ])
    expect(effects.get('bonding')![0]!.message).toMatch(/2 connections.*192\.0\.2\.7:22.*bond0/)
    expect(effects.get('e1000e')).toMatchObject([
      { kind: 'session', subject: 'bond0' },
      { kind: 'interface', subject: 'eth0' },
    ])
    expect(effects.get('igb')).toMatchObject([
      { kind: 'default-route', subject: 'eth1' },
      { kind: 'session', subject: 'eth1' },
      { kind: 'interface', subject: 'eth1' },
    ])
  })
})

describe('sockets', () => {
  const socketsOf = (netFiles: RawNetFile[], openSockets: RawOpenSockets[] = []) =>
    readSockets({ raw: { netFiles, openSockets }, holders: new Holders({ ownCgroups: [] }) })
  const protocols = (...rows: string[]) => ({
    netns: null,
    path: '/proc/net/protocols',
    text: `protocol  size sockets  memory press maxhdr  slab module     cl co\n${rows.join('\n')}\n`,
  })
  const open = (pid: number, protocol: string, count: number, inodes: string[] = []) => ({
    ...{ pid, comm: 'someone', self: false, ancestor: false, cgroups: '' },
    ...{ protocol, count, inodes },
  })
  const unheld = { held: null, processes: [], ofSome: [] }
  const SCTP = 'SCTP      1400      2       0   no       0   yes  sctp        y  n'

  test('are those of modules, in all namespaces together', () => {
    expect(
      socketsOf([
        protocols(SCTP, 'TCP       2368      9       1   no     320   yes  kernel      y  y'),
        {
          ...protocols(SCTP, 'SCTPv6  1  0  0  no  0  yes  sctp  y', 'X 1 -2 0 a b c x'),
          netns: NETNS,
        },
      ]),
    ).toEqual([{ protocol: 'SCTP', count: 4, ...unheld, modules: ['sctp'] }])
  })

  test('of some protocols are counted in a file of their own in each namespace', () => {
    const row = 'KEY       1000      0      -1   NI       0   no   af_key      n  n'
    const text = 'sk       RefCnt Rmem   Wmem   User   Inode\n1 2 0 0 0 9\n'
    const pfkey = { netns: null, path: '/proc/net/pfkey', text }
    expect(socketsOf([protocols(row), pfkey, { ...pfkey, netns: NETNS }])).toEqual([
      { protocol: 'KEY', count: 2, ...unheld, modules: ['af_key'] },
    ])
    expect(socketsOf([pfkey])).toEqual([])
  })

  test('have the processes that hold them; the rest belongs to nobody', () => {
    const vsock = 'AF_VSOCK  1000      0      -1   NI       0   no   vsock       n  n'
    expect(
      socketsOf(
        [protocols(SCTP, vsock)],
        [open(7, 'AF_VSOCK', 2), open(8, 'AF_VSOCK', 0), open(7, 'SCTP', 1), open(7, 'TCP', 5)],
      ),
    ).toMatchObject([
      { protocol: 'SCTP', count: 2, held: 1, processes: [{ pid: 7 }] },
      { protocol: 'AF_VSOCK', count: 2, held: 2, processes: [{ pid: 7 }, { pid: 8 }] },
    ])
  })

  test('of a protocol that /proc/net/protocols does not list have a module', () => {
    expect(socketsOf([], [open(7, 'misdn', 1), open(8, 'misdn', 1), open(9, 'TCP', 1)])).toEqual([
      expect.objectContaining({ protocol: 'misdn', count: 2, held: 2, modules: ['mISDN_core'] }),
    ])
  })

  test('of netlink belong to the module of their family', () => {
    const text =
      'sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n' +
      '0000000000000000 0   1          00000000 0        0        0     2        0        11\n' +
      '0000000000000000 12  7          00000000 0        0        0     2        0        12\n' +
      '0000000000000000 12  0          00000000 0        0        0     2        0        0\n'
    const netlink = { netns: null, path: '/proc/net/netlink', text }
    const sockets = [open(7, 'NETLINK', 2, ['11', '12']), open(8, 'NETLINK', 0, ['12'])]
    expect(socketsOf([netlink], sockets)).toMatchObject([
      {
        protocol: 'NETLINK 12',
        count: 1,
        held: 1,
        processes: [{ pid: 7 }, { pid: 8 }],
        modules: ['nfnetlink'],
      },
    ])
  })

  test('are searched in linear time, also in a long text without any', () => {
    const text = `0: ${' '.repeat(50_000)}\n`.repeat(3) + '\n'.repeat(100_000)
    expect(socketsOf([{ ...protocols(), text }])).toEqual([])
    expect(establishedConnections(text)).toEqual([])
  })

  test('in a text that is cut off or malformed are left out', () => {
    const { text } = protocols(SCTP)
    for (let end = 0; end < text.length; end++) {
      socketsOf([{ ...protocols(), text: text.slice(0, end) }])
    }
    fc.assert(fc.property(fc.string(), (any) => void socketsOf([{ ...protocols(), text: any }])))
  })

  test('take two references each, of their protocol and of their operations', async () => {
    const kernel = new SimulatedKernel()
      .add('sctp', { references: 4 })
      .add('can_raw', { references: 1 })
    const held = { count: 2, held: 1, processes: [holder(7)], ofSome: [] }
    const use = { protocol: 'SCTP', ...held, modules: ['sctp'] }
    const can = { ...use, protocol: 'CAN_RAW', count: 1, modules: ['can_raw'] }
    kernel.snapshotNow = snapshot({ sockets: [use, can] })
    const usage = await explain(kernel, 'sctp')
    expect(usage).toMatchObject({
      references: 4,
      unexplained: 0,
      users: [
        {
          kind: 'socket',
          protocol: 'SCTP',
          count: 2,
          processes: [{ pid: 7, comm: 'someone' }],
          references: 4,
          release: { kind: 'process', command: ['kill', '7'] },
        },
      ],
    })
    expect(usage.users[0]!.release.text).toMatch(/no process .* other 1/)
    expect(await explain(kernel, 'can_raw')).toMatchObject({ unexplained: 0 })
  })

  test('of which only some refer to a module have no known number of references', async () => {
    const kernel = new SimulatedKernel().add('algif_hash', { references: 1 }).add('algif_aead')
    const alg = 'ALG       1000      0      -1   NI       0   no   af_alg      n  n'
    kernel.snapshotNow = snapshot({ sockets: socketsOf([protocols(alg)], [open(7, 'ALG', 2)]) })
    expect(await explain(kernel, 'algif_hash')).toMatchObject({
      unexplained: 1,
      users: [{ kind: 'socket', protocol: 'ALG', references: null }],
    })
    expect((await explain(kernel, 'algif_aead')).users).toEqual([])
  })

  test.each([
    [
      'one service',
      [holder(7, { unit: 'a.service' }), holder(8, { unit: 'a.service' })],
      'service',
    ],
    ['two services', [holder(7, { unit: 'a.service' }), holder(8, { unit: 'b.service' })], null],
    ['two processes', [holder(7), holder(8)], null],
    ['nobody', [], null],
  ])('held by %s are released by one command or by none', async (_, processes, kind) => {
    const kernel = new SimulatedKernel().add('tipc', { references: 2 })
    const use = { protocol: 'TIPC', count: 1, held: 1, processes, modules: ['tipc'], ofSome: [] }
    kernel.snapshotNow = snapshot({ sockets: [use] })
    const { users } = await explain(kernel, 'tipc')
    expect(users[0]!.release.kind).toBe(kind)
    expect(users[0]!.release.command === null).toBe(kind === null)
  })
})

describe('interfaces in explain()', () => {
  test.each([
    [null, 'bridge', ['ip', 'link', 'del', 'x0']],
    [NETNS, 'bridge', ['ip', '-n', 'blue', 'link', 'del', 'x0']],
    ['pid:77', 'bridge', ['nsenter', '-t', '77', '-n', 'ip', 'link', 'del', 'x0']],
    ['/run/docker/ns', 'veth', ['nsenter', '--net=/run/docker/ns', 'ip', 'link', 'del', 'x0']],
    [null, null, ['ip', 'link', 'set', 'x0', 'down']],
    [null, 'can', ['ip', 'link', 'set', 'x0', 'down']],
  ])('of namespace %s and kind %s are released by %j', async (netns, type, command) => {
    const kernel = new SimulatedKernel().add('m')
    const one = netInterface('x0', { netns, type, modules: ['m'], master: 'br0', up: false })
    kernel.snapshotNow = snapshot({ interfaces: [one, netInterface('other')] })
    const { users, unexplained } = await explain(kernel, 'm')
    const fields = { kind: 'interface', name: 'x0', netns, type, up: false, master: 'br0' }
    expect(users).toMatchObject([{ ...fields, references: 0, release: { command } }])
    expect(unexplained).toBe(0)
  })

  test('have no command as long as it would delete others above them', async () => {
    const kernel = new SimulatedKernel().add('bonding')
    kernel.snapshotNow = snapshot({
      interfaces: [
        netInterface('bond0', { type: 'bond', modules: ['bonding'] }),
        netInterface('bond0.5', { type: 'vlan', modules: ['8021q'], lower: ['bond0'] }),
        netInterface('bond1', { type: 'bond', modules: ['bonding'] }),
        netInterface('br0', { type: 'bridge', modules: ['bridge'], lower: ['bond1'] }),
      ],
    })
    expect((await explain(kernel, 'bonding')).users).toMatchObject([
      {
        name: 'bond0',
        release: {
          command: null,
          text: 'first delete network interface bond0.5; then delete network interface bond0 (bond)',
        },
      },
      { name: 'bond1', release: { command: ['ip', 'link', 'del', 'bond1'] } },
    ])
  })

  test('of tunnels that exist with their module are released only by setting them down', async () => {
    const kernel = new SimulatedKernel().add('ipip')
    const tunl0 = netInterface('tunl0', { type: 'ipip', modules: ['ipip'] })
    kernel.snapshotNow = snapshot({ interfaces: [tunl0] })
    expect((await explain(kernel, 'ipip')).users).toMatchObject([
      { release: { kind: 'interface', command: ['ip', 'link', 'set', 'tunl0', 'down'] } },
    ])
    expect(effectsOf(kernel.snapshotNow).get('ipip')).toHaveLength(1)
    kernel.snapshotNow = snapshot({ interfaces: [{ ...tunl0, up: false }] })
    expect((await explain(kernel, 'ipip')).users).toMatchObject([
      { references: 0, release: { kind: null, command: null } },
    ])
    expect(effectsOf(kernel.snapshotNow).get('ipip')).toBeUndefined()
  })

  test('of kind tun may have a reference, which is not counted', async () => {
    const kernel = new SimulatedKernel().add('tun', { references: 1 })
    const tun = netInterface('t0', { type: 'tun', modules: ['tun'] })
    kernel.snapshotNow = snapshot({ interfaces: [tun] })
    expect(await explain(kernel, 'tun')).toMatchObject({
      unexplained: 1,
      users: [{ references: null }],
    })
  })
})

describe('other users', () => {
  /** The users of a module in a system of which only a survey is known. */
  const usersIn = async (
    parts: Partial<RawSurvey>,
    module: string,
    index: ModuleIndex | AliasTable = {},
  ): Promise<User[]> => {
    const modules = 'lookup' in index ? (index as ModuleIndex) : aliasIndex(index)
    return findUsers(loaded(module), await buildSnapshot(survey(parts), noFiles, modules))
  }
  const table = { netns: null, family: 1, name: 't', chains: 1, rules: 2 }

  test('are tables of nftables, with the references of each module', async () => {
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
      { kind: 'unknown to this version', name: 'x', count: 9 },
    ]
    const known = {
      'nft-chain-1-nat': 'nft-chain-nat',
      'nft-expr-ct': 'nft_ct',
      'nft-expr-1-reject': 'nft_reject_inet',
      'nft-obj-3': 'nft_ct',
      'nf-flowtable-1': 'nf_flow_table_inet',
      xt_conntrack: 'xt_conntrack',
    }
    for (const [module, references] of [
      ['nf_tables', 6],
      ['nft_chain_nat', 2],
      ['nft_ct', 4],
      ['nft_reject_inet', 1],
      ['nf_flow_table_inet', 1],
      ['xt_conntrack', 4],
    ] as const) {
      expect(await usersIn({ nfTables: [{ ...table, parts }] }, module, known)).toMatchObject([
        { kind: 'netfilter', name: 'inet t', value: '1 chain, 2 rules', references },
      ])
    }
  })

  test('are tables of nftables with unknown references, if the index cannot be read', async () => {
    const index = aliasIndex({})
    index.lookup = () => Promise.reject(new KmodError('ERR_KMOD_FORMAT', 'Damaged.'))
    const parts = [{ kind: 'expression', name: 'ct', count: 3 }]
    const users = await usersIn({ nfTables: [{ ...table, parts }] }, 'nf_tables', index)
    expect(users).toMatchObject([{ kind: 'netfilter', references: null }])
  })

  test('are tables of nftables in another namespace, and are deleted there', async () => {
    const nfTables = [{ ...table, netns: NETNS, family: 99, parts: [] }]
    expect(await usersIn({ nfTables }, 'nf_tables')).toMatchObject([
      {
        name: `${NETNS}/99 t`,
        references: 0,
        release: { command: ['ip', 'netns', 'exec', 'blue', 'nft', 'delete', 'table', '99', 't'] },
      },
    ])
  })

  test.each(['x; flush ruleset', '', '{', 'a b'])(
    'are tables of nftables; the name %j, which nft would read as more than a name, has no command',
    async (name) => {
      const nfTables = [{ ...table, name, parts: [] }]
      expect(await usersIn({ nfTables }, 'nf_tables')).toMatchObject([
        { release: { command: null } },
      ])
    },
  )

  test('are tables of iptables; each match and target takes a reference', async () => {
    const plain = { netns: null, hasPolicy: false, chains: 0 }
    const extensions = [
      { name: 'conntrack', count: 2 },
      { name: 'LOG', count: 1 },
    ]
    const xTables = [
      { ...plain, family: 'ip', name: 'filter', rules: 3, extensions },
      { ...plain, family: 'ip', name: 'nat', rules: 0, extensions: [] },
      { ...plain, family: 'bridge', name: 'nat', rules: 1, chains: 1, extensions: [] },
    ]
    const known = {
      xt_conntrack: 'xt_conntrack',
      ipt_LOG: 'xt_LOG',
      'nf-logger-2-0': 'nf_log_syslog',
    }
    const netFiles = [{ netns: null, path: '/proc/net/ip_tables_names', text: 'nat\nfilter\n' }]
    for (const [module, references] of [
      ['iptable_filter', 1],
      ['iptable_nat', 0],
      ['xt_conntrack', 2],
      ['xt_LOG', 1],
      ['nf_log_syslog', 1],
      ['ebtable_nat', 1],
    ] as const) {
      const users = await usersIn({ xTables, netFiles }, module, known)
      expect([module, users]).toMatchObject([module, [{ kind: 'netfilter', references }]])
    }
    // The command would leave the chain of a user, which keeps the reference.
    expect(await usersIn({ xTables }, 'ebtable_nat')).toMatchObject([
      { release: { command: null, text: expect.stringContaining('-X') as string } },
    ])
  })

  test('are tables of iptables; without their rules, their references are not known', async () => {
    const netFiles = [
      { netns: null, path: '/proc/net/ip_tables_names', text: 'nat\nfilter\n' },
      { netns: 'pid:9', path: '/proc/net/ip6_tables_names', text: 'filter\n' },
      { netns: null, path: '/proc/net/tcp', text: 'filter\n' },
    ]
    const plain = { kind: 'netfilter', references: null }
    expect(await usersIn({ netFiles }, 'iptable_nat')).toMatchObject([
      { ...plain, name: 'nat', value: 'iptables' },
    ])
    expect(await usersIn({ netFiles }, 'iptable_filter')).toMatchObject([
      { ...plain, name: 'filter', release: { command: ['iptables-legacy', '-t', 'filter', '-F'] } },
    ])
    expect(await usersIn({ netFiles }, 'ip6table_filter')).toMatchObject([
      { ...plain, name: 'pid:9/filter', value: 'ip6tables' },
    ])
  })

  test.each([
    ['sch_htb', 'eth0', 'htb', 1, 'qdisc del dev eth0 root handle 1:'],
    ['sch_fq', 'eth0', 'fq', 2, 'qdisc replace dev eth0 root pfifo_fast'],
    ['sch_sfq', 'eth0', 'sfq', 1, 'qdisc replace dev eth0 parent 1:2 pfifo'],
    // Not the discipline at the root, which is above it.
    ['sch_red', 'eth0', 'red', 1, 'qdisc del dev eth0 parent 1:10 handle 20:'],
    ['sch_ingress', 'eth0', 'clsact', 1, 'qdisc del dev eth0 clsact'],
    ['cls_u32', 'eth0', 'filter u32', 1, 'filter del dev eth0 parent 1: protocol ip pref 7'],
    [
      'cls_flower',
      'eth0',
      'filter flower',
      1,
      'filter del dev eth0 ingress protocol 0x88a8 pref 9 chain 5',
    ],
    ['cls_bpf', 'block 22', 'filter bpf', 1, 'filter del block 22 protocol all pref 1'],
    ['sch_tbf', 'lo', 'tbf', 1, 'qdisc del dev lo root handle 1:'],
  ])('are disciplines and filters of %s', async (module, name, value, references, command) => {
    const none = { block: 0, chain: 0, priority: 0, protocol: 0 }
    const root = {
      ...none,
      netns: null,
      index: 2,
      filter: false,
      handle: 0x10000,
      parent: 0xffffffff,
    }
    const filter = { ...root, filter: true, handle: 0 }
    const trafficControl = [
      { ...root, kind: 'htb' },
      { ...root, kind: 'fq', handle: 0, parent: 1 },
      { ...root, kind: 'fq', handle: 0, parent: 2 },
      { ...root, kind: 'sfq', handle: 0, parent: 0x10002 },
      { ...root, kind: 'red', handle: 0x200000, parent: 0x10010 },
      { ...root, kind: 'clsact', handle: 0xffff0000, parent: 0xfffffff1 },
      { ...filter, kind: 'u32', parent: 0x10000, priority: 7, protocol: 0x800 },
      { ...filter, kind: 'flower', parent: 0xfffffff2, priority: 9, protocol: 0x88a8, chain: 5 },
      { ...filter, kind: 'bpf', index: 0, block: 22, parent: 0, priority: 1, protocol: 3 },
      { ...root, kind: 'tbf', index: 7 },
    ]
    // Newer kernels have an alias for each kind; older ones have modules whose name contains it.
    const known = { 'net-sch-htb': 'sch_htb', sch_clsact: 'sch_ingress' }
    const users = await usersIn({ links: [rawLink(2, 'eth0')], trafficControl }, module, known)
    expect(users.filter(({ kind }) => kind === 'traffic-control')).toMatchObject([
      { name, value, references, release: { command: ['tc', ...command.split(' ')] } },
    ])
  })

  test.each([
    [false, null],
    [true, ['tc', 'actions', 'flush', 'action', 'mirred']],
  ])('are actions; deleted by a command if no filter can use them: %s', async (alone, command) => {
    const filter = { filter: true, kind: 'u32', handle: 0, parent: 0x10000, chain: 0 }
    const more = { block: 0, priority: 1, protocol: 3 }
    const trafficControl = alone ? [] : [{ netns: null, index: 2, ...filter, ...more }]
    const actions = [{ netns: null, kinds: [{ name: 'mirred', count: 3 }] }]
    expect(await usersIn({ trafficControl, actions }, 'act_mirred')).toMatchObject([
      { kind: 'traffic-control', value: 'action mirred', references: 3, release: { command } },
    ])
  })

  test('are sets, services and states with their references', async () => {
    const netFiles = [
      {
        netns: null,
        path: '/proc/net/ip_vs',
        text:
          'IP Virtual Server version 1.2.1 (size=4096)\nProt LocalAddress:Port Scheduler Flags\n' +
          'TCP  0A000001:0050 rr  \n  -> 0A000002:0050      Masq    1      0          0\n' +
          'UDP  [fd00::1]:0035 wrr  \nFWM  0000000A wlc persistent 300 FFFFFFFF\n',
      },
    ]
    const ipSets = [
      { netns: null, name: 'blocked', type: 'hash:ip', references: 0 },
      { netns: NETNS, name: 'used', type: 'hash:ip', references: 2 },
    ]
    const protocols = [{ family: 10, protocol: 50, count: 4 }]
    const ipsec = [{ netns: null, states: 4, policies: 0, protocols }]
    const parts = { netFiles, ipSets, ipsec }
    const command = (argv: string): object => ({ release: { command: argv.split(' ') } })
    expect(await usersIn(parts, 'ip_vs')).toMatchObject([
      {
        name: 'ipvs TCP 10.0.0.1:80',
        value: 'rr',
        references: 1,
        ...command('ipvsadm -D -t 10.0.0.1:80'),
      },
      { name: 'ipvs UDP [fd00::1]:53', ...command('ipvsadm -D -u [fd00::1]:53') },
      { name: 'ipvs FWM 10', ...command('ipvsadm -D -f 10') },
    ])
    expect(await usersIn(parts, 'ip_vs_wrr')).toMatchObject([{ value: 'wrr', references: 1 }])
    expect(await usersIn(parts, 'ip_set_hash_ip')).toMatchObject([
      { name: 'ipset blocked', references: 1, ...command('ipset destroy blocked') },
      { name: `${NETNS}/ipset used`, release: { command: null } },
    ])
    const known = { 'xfrm-type-10-50': 'esp6' }
    expect(await usersIn(parts, 'esp6', known)).toMatchObject([
      { name: 'xfrm esp', references: 4, ...command('ip -6 xfrm state deleteall proto esp') },
    ])
  })

  test('are TCP sockets with a congestion control or upper layer protocol', async () => {
    const congestion = [
      { name: 'bbr', count: 2 },
      { name: 'cubic', count: 9 },
    ]
    const tcpUses = [{ netns: null, congestion, upper: [{ name: 'tls', count: 1 }] }]
    const known = { tcp_bbr: 'tcp_bbr', 'tcp-ulp-tls': 'tls' }
    const socket = { kind: 'socket', release: { command: null } }
    expect(await usersIn({ tcpUses }, 'tcp_bbr', known)).toMatchObject([
      { ...socket, protocol: 'TCP with bbr', count: 2, references: 2 },
    ])
    expect(await usersIn({ tcpUses }, 'tls', known)).toMatchObject([
      { ...socket, protocol: 'TCP with tls', count: 1, references: 1 },
    ])
  })

  test('are settings with a value', async () => {
    const netFiles = [
      { netns: null, path: '/proc/sys/net/ipv4/tcp_congestion_control', text: 'vegas\n' },
      { netns: NETNS, path: '/proc/sys/net/core/default_qdisc', text: 'fq\n' },
      { netns: null, path: '/proc/sys/net/ipv4/tcp_congestion_control', text: '\n' },
    ]
    expect(await usersIn({ netFiles }, 'tcp_vegas')).toMatchObject([
      {
        kind: 'setting',
        name: 'net.ipv4.tcp_congestion_control',
        value: 'vegas',
        references: 1,
        release: { command: ['sysctl', '-w', 'net.ipv4.tcp_congestion_control=reno'] },
      },
    ])
    expect(await usersIn({ netFiles }, 'sch_fq')).toMatchObject([
      { kind: 'setting', name: `${NETNS}/net.core.default_qdisc`, value: 'fq', references: 1 },
    ])
    expect(await usersIn({ netFiles }, 'tcp_')).toEqual([])
  })
})

describe('a network namespace', () => {
  test('is in the label of what is in it', () => {
    expect(inNamespace(null, 'eth0')).toBe('eth0')
    expect(inNamespace('pid:7', 'eth0')).toBe('pid:7/eth0')
    expect(inNamespace(NETNS, 3)).toBe(`${NETNS}/3`)
  })

  test('is where a command runs', () => {
    expect(commandIn('/var/run/netns/blue', ['tc', 'x'])).toEqual(['tc', '-n', 'blue', 'x'])
    expect(commandIn(NETNS, ['sysctl', 'x'])).toEqual([
      'ip',
      'netns',
      'exec',
      'blue',
      'sysctl',
      'x',
    ])
    expect(commandIn('/run/netns/a/b', ['ip', 'x'])).toEqual([
      'nsenter',
      '--net=/run/netns/a/b',
      'ip',
      'x',
    ])
  })
})
