/** explain() for nftables, iptables and traffic control, compared with the kernel's counts. */
import { readFileSync } from 'node:fs'
import { kmod } from 'node-kmod'
import {
  addLink,
  addNamespace,
  afterThisTest,
  attempt,
  countOf,
  lsmod,
  modprobe,
  removeModules,
  run,
} from '../support'
import { knownReferences, release, usersOf } from '../users'

const ip = (line: string): string => run('ip', line.split(' '))
const tc = (line: string): string => run('tc', line.split(' '))

function nft(lines: readonly string[], namespace?: string): void {
  const inside = namespace === undefined ? [] : ['ip', 'netns', 'exec', namespace]
  for (const line of lines) {
    const [program, ...args] = [...inside, 'nft', line]
    run(program, args)
  }
}

describe('nftables', () => {
  const MODULES = [
    ...['nft_ct', 'nft_reject_inet', 'nft_chain_nat', 'nft_masq', 'nft_quota', 'nft_limit'],
  ]

  function addTables(): void {
    afterThisTest(() => attempt('nft', ['flush', 'ruleset']))
    nft([
      'add table inet kmodt',
      'add chain inet kmodt filter { type filter hook input priority 0; }',
      'add chain inet kmodt nat { type nat hook postrouting priority 100; }',
      'add chain inet kmodt plain',
      'add counter inet kmodt c',
      'add quota inet kmodt q 10 mbytes',
      'add rule inet kmodt filter ct state established,related accept',
      'add rule inet kmodt filter tcp dport 22 counter reject',
      'add rule inet kmodt plain limit rate 10/second accept',
      'add rule inet kmodt nat masquerade',
    ])
    addNamespace('kmodnft')
    nft(
      ['add table ip kmodu', 'add chain ip kmodu c', 'add rule ip kmodu c ct state new drop'],
      'kmodnft',
    )
  }

  test('is not loaded by a call that only reads', async () => {
    removeModules(...MODULES, 'nf_tables')
    modprobe('dummy')
    await kmod.explain('dummy')
    expect(lsmod().map(({ name }) => name)).not.toContain('nf_tables')
  })

  test('tables of all namespaces are explained with all references that they take', async () => {
    addTables()
    const own = { name: 'inet kmodt', value: '3 chains, 4 rules' }
    const there = {
      name: expect.stringMatching(/\/netns\/kmodnft\/ip kmodu$/) as string,
      value: '1 chain, 1 rule',
    }
    for (const module of ['nf_tables', ...MODULES]) {
      const usage = await kmod.explain(module)
      const tables = usersOf(usage, 'netfilter')
      const isInBoth = module === 'nf_tables' || module === 'nft_ct'
      expect([module, tables]).toMatchObject([module, isInBoth ? [own, there] : [own]])
      const { count, users } = lsmod().find(({ name }) => name === module)!
      const holders = users.filter((name) => name !== '').length
      const known = tables.reduce((sum, { references }) => sum + (references ?? 0), 0)
      expect({ module, known }).toEqual({ module, known: count - holders })
      expect(usage.unexplained).toBe(0)
      expect(usage.unreadable).not.toContainEqual(expect.stringContaining('nftables'))
    }
  })

  test('the commands in the answer delete the tables', async () => {
    addTables()
    for (const user of usersOf(await kmod.explain('nf_tables'), 'netfilter')) release(user)
    expect(await kmod.explain('nf_tables')).toMatchObject({ references: 0, unexplained: 0 })
    for (const module of MODULES) expect([module, countOf(module)]).toEqual([module, 0])
  })
})

// Newer kernels may not have it.
const hasIptables = attempt('modprobe', ['-n', '-q', 'iptable_filter']).status === 0
const testWithIptables = hasIptables ? test : test.skip

testWithIptables(
  'tables of iptables in all namespaces are explained, and take no reference',
  async () => {
    addNamespace('kmodipt')
    // With this parameter the table is created when the module is loaded, in every namespace.
    modprobe('iptable_filter', 'forward=0')
    expect(readFileSync('/proc/net/ip_tables_names', 'utf8')).toBe('filter\n')
    expect(ip('netns exec kmodipt cat /proc/net/ip_tables_names')).toBe('filter\n')
    expect(countOf('iptable_filter')).toBe(0)
    const usage = await kmod.explain('iptable_filter')
    expect(usage).toMatchObject({ refCount: 0, unexplained: 0 })
    const filter = { kind: 'netfilter', value: 'iptables', references: 0 }
    expect(usage.users).toMatchObject([
      { ...filter, name: 'filter' },
      { ...filter, name: expect.stringMatching(/\/netns\/kmodipt\/filter$/) as string },
    ])
  },
)

test('traffic control: disciplines and filters are explained, and deleted by the commands', async () => {
  addLink('kmodtc', 'type', 'dummy')
  ip('link set kmodtc up')
  tc('qdisc add dev kmodtc root handle 1: htb')
  tc('class add dev kmodtc parent 1: classid 1:1 htb rate 1mbit')
  tc('qdisc add dev kmodtc parent 1:1 handle 2: tbf rate 1mbit burst 10kb latency 50ms')
  tc('filter add dev kmodtc parent 1: protocol ip u32 match ip dst 192.0.2.1/32 flowid 1:1')
  tc('filter add dev kmodtc parent 1: protocol ip u32 match ip dst 192.0.2.2/32 flowid 1:1')
  tc('qdisc add dev kmodtc clsact')
  addNamespace('kmodtcns')
  ip('-n kmodtcns link add kmodtc2 type dummy')
  tc('-n kmodtcns qdisc add dev kmodtc2 root tbf rate 1mbit burst 10kb latency 50ms')
  const qdiscs = JSON.parse(tc('-j qdisc show dev kmodtc')) as { kind: string }[]
  expect(qdiscs.map(({ kind }) => kind).sort()).toEqual(['clsact', 'htb', 'tbf'])

  for (const [module, values] of [
    ['sch_htb', ['htb']],
    ['sch_tbf', ['tbf', 'tbf']],
    ['cls_u32', ['filter u32', 'filter u32']],
    ['sch_ingress', ['clsact']],
  ] as const) {
    const usage = await kmod.explain(module)
    expect(usersOf(usage, 'traffic-control').map(({ value }) => value)).toEqual(values)
    const known = knownReferences(usage)
    expect([module, known, usage.unexplained]).toEqual([module, countOf(module), 0])
  }
  for (const module of ['cls_u32', 'sch_ingress', 'sch_tbf']) {
    for (const user of (await kmod.explain(module)).users) release(user)
    expect([module, countOf(module)]).toEqual([module, 0])
  }
  // The discipline below one of its classes was deleted, not the one at the root.
  expect(countOf('sch_htb')).toBe(1)
  release((await kmod.explain('sch_htb')).users[0])
  expect(countOf('sch_htb')).toBe(0)
})
