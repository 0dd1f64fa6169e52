/** What explain() says of rules, disciplines, sets and settings in network namespaces. */
import { KmodError } from '../../lib/contract/errors'
import type { User } from '../../lib/contract/types'
import { findUsers } from '../../lib/explain/users'
import type { ModuleIndex } from '../../lib/kernel/module-index'
import type { SystemFiles } from '../../lib/kernel/system-files'
import { buildSnapshot } from '../../lib/snapshot/build'
import type { RawSurvey } from '../../lib/snapshot/system/raw-survey'
import { aliasIndex, type AliasTable } from '../support/captured-snapshot'
import { loaded, rawLink, survey } from '../support/snapshots'

const NETNS = '/run/netns/blue'

/** A system without any file. */
const noFiles: SystemFiles = {
  readTexts: (paths) => Promise.resolve(paths.map(() => null)),
  readBytes: (paths) => Promise.resolve(paths.map(() => null)),
  readLinks: (paths) => Promise.resolve(paths.map(() => null)),
  listNames: (folders) => Promise.resolve(folders.map(() => [])),
  readStatuses: (paths) => Promise.resolve(paths.map(() => null)),
}

describe('users in network namespaces', () => {
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
