/** The network in explain and in the guard, against what `ip`, `nft`, `tc` and the kernel itself count. */
import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { basename } from 'node:path'
import { kmod, type Usage, type User } from 'node-kmod'
import { readSurvey } from '../../../lib/live/helper/survey'
import { attempt, cleanUp, lsmod, modprobe, rejection, run, until } from '../support'

// An emulated guest takes seconds to start a program in a namespace.
jest.setTimeout(60_000)

const ip = (line: string): string => run('ip', line.split(' '))
const countOf = (module: string): number => lsmod().find(({ name }) => name === module)!.count

/** What lets the user go, as it is told. */
function release({ release: { command } }: User): void {
  const [program, ...args] = command!
  run(program!, args)
}

const interfaces = ({ users }: Usage) => users.filter((user) => user.kind === 'interface')
const named = ({ users }: Usage, kind: User['kind']) =>
  users.flatMap((user) => (user.kind === kind && 'value' in user ? [user] : []))

describe('interfaces', () => {
  beforeAll(() => {
    ip('netns add kmodnet')
    ip('link add kmodbr type bridge')
    ip('link add kmodd0 type dummy')
    ip('link add link kmodd0 name kmodd0.7 type vlan id 7')
    ip('link add kmodbond type bond')
    ip('link add kmodd1 type dummy')
    ip('link set kmodd1 master kmodbond')
    ip('link add kmodv0 type veth peer name kmodv1 netns kmodnet')
    modprobe('tun')
    ip('tuntap add kmodtun mode tun')
    ip('-n kmodnet link add kmodbr2 type bridge')
    ip('-n kmodnet link set kmodbr2 up')
  })
  afterAll(() => {
    attempt('ip', ['netns', 'del', 'kmodnet'])
    for (const name of ['kmodbr', 'kmodd0', 'kmodd1', 'kmodbond', 'kmodv0', 'kmodtun']) {
      attempt('ip', ['link', 'del', name])
    }
    cleanUp('tun', 'bonding', 'veth', 'dummy', '8021q', 'garp', 'mrp', 'bridge', 'stp', 'llc')
  })

  interface IpLink {
    ifname: string
    flags: string[]
    master?: string
    linkinfo?: { info_kind?: string }
  }
  /** The interfaces of a kind, by `ip`. */
  function oracle(kind: string): object[] {
    return [null, 'kmodnet'].flatMap((netns) => {
      const where = netns === null ? [] : ['-n', netns]
      const links = JSON.parse(run('ip', [...where, '-j', '-d', 'link'])) as IpLink[]
      return links
        .filter(({ linkinfo }) => linkinfo?.info_kind === kind)
        .map(({ ifname, flags, master }) => ({
          name: ifname,
          up: flags.includes('UP'),
          type: kind,
          master: master ?? null,
          netns:
            netns === null ? null : (expect.stringMatching(/\/run\/netns\/kmodnet$/) as string),
          references: kind === 'tun' ? null : 0,
        }))
    })
  }

  test.each([
    ['bridge', 'bridge', 2],
    ['dummy', 'dummy', 2],
    ['8021q', 'vlan', 1],
    ['bonding', 'bond', 1],
    ['veth', 'veth', 2],
    ['tun', 'tun', 1],
  ])('of %s are those of kind %s, and take no reference', async (module, kind, number) => {
    const usage = await kmod.explain(module)
    expect(interfaces(usage)).toEqual(
      oracle(kind).map((one): unknown => expect.objectContaining(one)),
    )
    expect(interfaces(usage)).toHaveLength(number)
    expect(usage.refCount).toBe(countOf(module))
    // That of a tun which persists without a process.
    const references = kind === 'tun' ? 1 : 0
    expect(usage).toMatchObject({ references, unexplained: references })
  })

  test('are let go by the commands that are told, here and elsewhere', async () => {
    for (const module of ['8021q', 'bonding', 'bridge', 'tun']) {
      for (const user of interfaces(await kmod.explain(module))) release(user)
      expect(interfaces(await kmod.explain(module))).toEqual([])
    }
    const child = await startIn(['unshare', '-n'], 'ip link add kmodp0 type bridge')
    try {
      const [user] = interfaces(await kmod.explain('bridge'))
      expect(user).toMatchObject({ name: 'kmodp0', netns: `pid:${child.pid}` })
      release(user!)
      expect(interfaces(await kmod.explain('bridge'))).toEqual([])
    } finally {
      await end(child)
    }
  })
})

describe('nftables', () => {
  const MODULES = [
    'nft_ct',
    'nft_reject_inet',
    'nft_chain_nat',
    'nft_masq',
    'nft_quota',
    'nft_limit',
  ]
  afterAll(() => {
    attempt('ip', ['netns', 'del', 'kmodnft'])
    attempt('nft', ['flush', 'ruleset'])
  })
  const nft = (netns: string | null, ...lines: string[]): void => {
    const where = netns === null ? [] : ['ip', 'netns', 'exec', netns]
    for (const line of lines) {
      const [program, ...args] = [...where, 'nft', line]
      run(program, args)
    }
  }

  test('is not loaded by looking', async () => {
    cleanUp('nf_tables')
    modprobe('dummy')
    await kmod.explain('dummy')
    expect(lsmod().map(({ name }) => name)).not.toContain('nf_tables')
    cleanUp('dummy')
  })

  test('has its tables told with all references that they take', async () => {
    nft(
      null,
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
    )
    ip('netns add kmodnft')
    nft(
      'kmodnft',
      'add table ip kmodu',
      'add chain ip kmodu c',
      'add rule ip kmodu c ct state new drop',
    )
    const own = { kind: 'netfilter', name: 'inet kmodt', value: '3 chains, 4 rules' }
    const there = {
      kind: 'netfilter',
      name: expect.stringMatching(/\/netns\/kmodnft\/ip kmodu$/) as string,
      value: '1 chain, 1 rule',
    }
    for (const module of ['nf_tables', ...MODULES]) {
      const usage = await kmod.explain(module)
      const uses = named(usage, 'netfilter')
      expect(uses[0]).toMatchObject(own)
      if (module === 'nf_tables' || module === 'nft_ct') expect(uses[1]).toMatchObject(there)
      else expect(uses).toHaveLength(1)
      // What the kernel counts, less the modules that hold it, and nothing invented.
      const { count, users } = lsmod().find(({ name }) => name === module)!
      const holders = users.filter((name) => name !== '').length
      const known = uses.reduce((sum, { references }) => sum + references!, 0)
      expect({ module, known }).toEqual({ module, known: count - holders })
      expect(usage.unexplained).toBe(0)
      expect(usage.unreadable).not.toContainEqual(expect.stringContaining('nftables'))
    }
  })

  test('lets go by the commands that are told', async () => {
    for (const user of named(await kmod.explain('nf_tables'), 'netfilter')) release(user)
    expect(await kmod.explain('nf_tables')).toMatchObject({ references: 0, unexplained: 0 })
    for (const module of MODULES) expect(countOf(module)).toBe(0)
  })

  // The newest kernels may be without it.
  const hasIptables = attempt('modprobe', ['-n', '-q', 'iptable_filter']).status === 0
  const testIptables = hasIptables ? test : test.skip
  testIptables('tables of iptables take no reference', async () => {
    // The parameter has the table made at once; otherwise the tool asks for it.
    modprobe('iptable_filter', 'forward=0')
    expect(readFileSync('/proc/net/ip_tables_names', 'utf8')).toBe('filter\n')
    expect(countOf('iptable_filter')).toBe(0)
    const usage = await kmod.explain('iptable_filter')
    expect(usage).toMatchObject({ refCount: 0, unexplained: 0 })
    // It is made in every namespace that there is.
    const inThere = run('ip', ['netns', 'exec', 'kmodnft', 'cat', '/proc/net/ip_tables_names'])
    expect(inThere).toBe('filter\n')
    const filter = { kind: 'netfilter', value: 'iptables', references: 0 }
    expect(usage.users).toMatchObject([
      { ...filter, name: 'filter' },
      { ...filter, name: expect.stringMatching(/\/netns\/kmodnft\/filter$/) as string },
    ])
    cleanUp('iptable_filter')
  })
})

describe('traffic control', () => {
  afterAll(() => {
    attempt('ip', ['link', 'del', 'kmodtc'])
    attempt('ip', ['netns', 'del', 'kmodtcns'])
    cleanUp('dummy', 'sch_htb', 'sch_tbf', 'cls_u32', 'sch_ingress')
  })
  const tc = (line: string): string => run('tc', line.split(' '))

  test('disciplines and filters are told with their references, and go as told', async () => {
    ip('link add kmodtc type dummy')
    ip('link set kmodtc up')
    tc('qdisc add dev kmodtc root handle 1: htb')
    tc('class add dev kmodtc parent 1: classid 1:1 htb rate 1mbit')
    tc('qdisc add dev kmodtc parent 1:1 handle 2: tbf rate 1mbit burst 10kb latency 50ms')
    tc('filter add dev kmodtc parent 1: protocol ip u32 match ip dst 192.0.2.1/32 flowid 1:1')
    tc('filter add dev kmodtc parent 1: protocol ip u32 match ip dst 192.0.2.2/32 flowid 1:1')
    tc('qdisc add dev kmodtc clsact')
    ip('netns add kmodtcns')
    ip('-n kmodtcns link add kmodtc2 type dummy')
    run(
      'tc',
      '-n kmodtcns qdisc add dev kmodtc2 root tbf rate 1mbit burst 10kb latency 50ms'.split(' '),
    )
    const qdiscs = JSON.parse(tc('-j qdisc show dev kmodtc')) as { kind: string }[]
    expect(qdiscs.map(({ kind }) => kind).sort()).toEqual(['clsact', 'htb', 'tbf'])

    for (const [module, values] of [
      ['sch_htb', ['htb']],
      ['sch_tbf', ['tbf', 'tbf']],
      ['cls_u32', ['filter u32']],
      ['sch_ingress', ['clsact']],
    ] as const) {
      const usage = await kmod.explain(module)
      expect(named(usage, 'traffic-control').map(({ value }) => value)).toEqual(values)
      const known = usage.users.reduce((sum, { references }) => sum + references!, 0)
      expect({ module, known, unexplained: usage.unexplained }).toEqual({
        module,
        known: countOf(module),
        unexplained: 0,
      })
    }
    for (const module of ['cls_u32', 'sch_ingress', 'sch_tbf']) {
      for (const user of (await kmod.explain(module)).users) release(user)
      expect(countOf(module)).toBe(0)
    }
    expect(countOf('sch_htb')).toBe(0)
  })
})

describe('settings', () => {
  const read = (name: string): string => readFileSync(`/proc/sys/net/${name}`, 'utf8').trim()
  const before = { control: read('ipv4/tcp_congestion_control'), qdisc: read('core/default_qdisc') }
  afterAll(() => {
    attempt('ip', ['netns', 'del', 'kmodcc'])
    attempt('sysctl', ['-w', `net.ipv4.tcp_congestion_control=${before.control}`])
    attempt('sysctl', ['-w', `net.core.default_qdisc=${before.qdisc}`])
    cleanUp('tcp_vegas', 'sch_fq')
  })

  test('the congestion control of each namespace takes a reference', async () => {
    modprobe('tcp_vegas')
    run('sysctl', ['-w', 'net.ipv4.tcp_congestion_control=vegas'])
    // It takes it over from the first one.
    ip('netns add kmodcc')
    const usage = await kmod.explain('tcp_vegas')
    expect(usage).toMatchObject({ refCount: 2, unexplained: 0 })
    expect(countOf('tcp_vegas')).toBe(2)
    expect(usage.users).toMatchObject([
      { kind: 'setting', name: 'net.ipv4.tcp_congestion_control', value: 'vegas', references: 1 },
      {
        kind: 'setting',
        name: expect.stringMatching(/kmodcc.*control$/) as string,
        value: 'vegas',
      },
    ])
    for (const user of usage.users) release(user)
    expect(countOf('tcp_vegas')).toBe(0)
  })

  test('the default queueing discipline takes a reference', async () => {
    run('sysctl', ['-w', 'net.core.default_qdisc=fq'])
    const usage = await kmod.explain('sch_fq')
    expect(usage).toMatchObject({ refCount: countOf('sch_fq'), unexplained: 0 })
    expect(usage.users).toMatchObject([
      { kind: 'setting', name: 'net.core.default_qdisc', value: 'fq', references: 1 },
    ])
    release(usage.users[0]!)
    expect(countOf('sch_fq')).toBe(0)
  })
})

describe('default routes', () => {
  afterAll(() => {
    attempt('sysctl', ['-w', 'net.ipv4.nexthop_compat_mode=1'])
    for (const name of ['kmodr.9', 'kmodr', 'kmodr0', 'kmodr1'])
      attempt('ip', ['link', 'del', name])
    attempt('ip', ['nexthop', 'flush'])
    cleanUp('8021q', 'bonding', 'bridge', 'stp', 'llc', 'dummy')
  })
  const kinds = async (module: string): Promise<string[]> =>
    (await kmod.impact(module)).map(({ kind, subject }) => `${kind}:${subject}`).sort()

  test('over a vlan on a bond of two are critical for all modules under it', async () => {
    ip('link add kmodr type bond')
    for (const name of ['kmodr0', 'kmodr1']) {
      ip(`link add ${name} type dummy`)
      ip(`link set ${name} master kmodr`)
    }
    ip('link set kmodr up')
    ip('link add link kmodr name kmodr.9 type vlan id 9')
    ip('link set kmodr.9 up')
    ip('addr add 198.51.100.2/24 dev kmodr.9')
    ip('route add default via 198.51.100.1 dev kmodr.9')
    expect(await kinds('8021q')).toEqual(['default-route:kmodr.9', 'interface:kmodr.9'])
    expect(await kinds('bonding')).toEqual(['default-route:kmodr.9', 'interface:kmodr'])
    expect(await kinds('dummy')).toEqual([
      'default-route:kmodr.9',
      'interface:kmodr0',
      'interface:kmodr1',
    ])
    ip('route del default')
    expect(await kinds('8021q')).toEqual(['interface:kmodr.9'])
  })

  test('through nexthop objects and groups of them are found, told in the route or not', async () => {
    ip('link set kmodr0 nomaster')
    ip('link set kmodr0 up')
    ip('addr add 203.0.113.2/24 dev kmodr0')
    ip('nexthop add id 71 via 198.51.100.1 dev kmodr.9')
    ip('nexthop add id 72 via 203.0.113.1 dev kmodr0')
    ip('nexthop add id 73 group 71/72')
    const indexOf = (name: string): number =>
      Number(readFileSync(`/sys/class/net/${name}/ifindex`, 'utf8'))
    const routes = async (): Promise<number[]> =>
      (await readSurvey(false)).defaultRoutes
        .filter(({ netns }) => netns === null)
        .map(({ index }) => index)
    for (const mode of ['1', '0']) {
      run('sysctl', ['-w', `net.ipv4.nexthop_compat_mode=${mode}`])
      ip('route add default nhid 71')
      expect(await routes()).toEqual([indexOf('kmodr.9')])
      ip('route replace default nhid 73')
      expect((await routes()).sort()).toEqual([indexOf('kmodr.9'), indexOf('kmodr0')].sort())
      ip('route del default')
    }
  })
})

describe('hardware', () => {
  const findWired = (): string | undefined =>
    readdirSync('/sys/class/net').find((name) => {
      const driver = `/sys/class/net/${name}/device/driver`
      return existsSync(driver) && basename(readlinkSync(driver)) === 'e1000'
    })
  afterAll(() => cleanUp('e1000'))

  test('with a default route is kept at reference count 0, and goes where that is allowed', async () => {
    modprobe('e1000')
    await until('the interface is there', () => findWired() !== undefined)
    const name = findWired()!
    ip(`addr add 10.0.2.15/24 dev ${name}`)
    ip(`link set ${name} up`)
    ip(`route add default via 10.0.2.2 dev ${name}`)
    expect(countOf('e1000')).toBe(0)
    const usage = await kmod.explain('e1000')
    expect(usage).toMatchObject({ refCount: 0, unexplained: 0 })
    expect(interfaces(usage)).toMatchObject([
      { name, up: true, type: null, release: { command: ['ip', 'link', 'set', name, 'down'] } },
    ])
    const error = await rejection(kmod.unload('e1000'))
    expect(error).toMatchObject({
      code: 'ERR_KMOD_CRITICAL',
      effect: { kind: 'default-route', subject: name, module: 'e1000' },
    })
    expect(countOf('e1000')).toBe(0)
    const report = await kmod.unload('e1000', { allow: [`default-route:${name}`] })
    expect(report.removed).toEqual(['e1000'])
    expect(findWired()).toBeUndefined()
  })
})

describe('sessions', () => {
  const children: ChildProcess[] = []
  beforeAll(() => {
    ip('netns add kmodfar')
    ip('netns add kmodnear')
    ip('-n kmodfar link add kmods1 type veth peer name kmods0 netns kmodnear')
    ip('-n kmodfar addr add 192.0.2.7/24 dev kmods1')
    ip('-n kmodfar addr add 2001:db8::7/64 dev kmods1 nodad')
    ip('-n kmodfar link set kmods1 up')
    ip('-n kmodnear addr add 192.0.2.8/24 dev kmods0')
    ip('-n kmodnear addr add 2001:db8::8/64 dev kmods0 nodad')
    ip('-n kmodnear link set kmods0 up')
    ip('-n kmodnear link set lo up')
  })
  afterEach(async () => {
    for (const child of children.splice(0)) await end(child)
  })
  afterAll(() => {
    attempt('ip', ['netns', 'del', 'kmodfar'])
    attempt('ip', ['netns', 'del', 'kmodnear'])
    cleanUp('veth')
  })
  const NET = "const net = require('node:net');"
  const node = async (netns: string, script: string): Promise<void> => {
    const child = spawn('ip', ['netns', 'exec', netns, process.execPath, '-e', NET + script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    children.push(child)
    await new Promise((resolve) => child.stdout.once('data', resolve))
  }
  const listen = (netns: string, host: string): Promise<void> =>
    node(netns, `net.createServer(() => {}).listen(4711, '${host}', () => console.log('ready'))`)
  const connect = (netns: string, host: string): Promise<void> =>
    node(netns, `const s = net.connect(4711, '${host}', () => console.log('ready'))`)
  const sessions = async () => (await kmod.impact('veth')).filter(({ kind }) => kind === 'session')

  test.each([
    ['192.0.2.7', '192.0.2.7:4711'],
    ['2001:db8::7', '[2001:db8::7]:4711'],
  ])('with %s keep the module, on both sides', async (host, remote) => {
    expect(await sessions()).toEqual([])
    await listen('kmodfar', host)
    expect(await sessions()).toEqual([])
    await connect('kmodnear', host)
    const found = await sessions()
    expect(found).toHaveLength(2)
    const near = found.find(({ subject }) => subject.endsWith('/kmods0'))!
    expect(near).toMatchObject({ severity: 'critical', module: 'veth' })
    expect(near.message).toContain(remote)
    const error = await rejection(kmod.unload('veth'))
    expect(error).toMatchObject({ code: 'ERR_KMOD_CRITICAL', effect: { kind: 'session' } })
    expect(countOf('veth')).toBe(0)
  })

  test('of a machine with itself are none', async () => {
    for (const host of ['127.0.0.1', '192.0.2.8', '::1', '2001:db8::8']) {
      await listen('kmodnear', host)
      await connect('kmodnear', host)
      expect(await sessions()).toEqual([])
      for (const child of children.splice(0)) await end(child)
    }
  })

  test('stand beside the default route that is lost with them', async () => {
    ip('-n kmodnear route add default via 192.0.2.7')
    await listen('kmodfar', '192.0.2.7')
    await connect('kmodnear', '192.0.2.7')
    const effects = await kmod.impact('veth')
    const near = effects.filter(({ subject }) => subject.endsWith('/kmods0'))
    expect(near).toMatchObject([
      { kind: 'default-route' },
      { kind: 'session' },
      { kind: 'interface' },
    ])
  })
})

// Its own control sockets keep it: it stays loaded.
describe('sockets', () => {
  const children: ChildProcess[] = []
  afterAll(async () => {
    for (const child of children) await end(child)
    attempt('ip', ['netns', 'del', 'kmodsctp'])
  })
  const socketIn = async (wrapper: string[]): Promise<void> => {
    const script =
      'import socket,sys,time; s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 132); ' +
      'print("ready", flush=True); time.sleep(1000)'
    const [program, ...args] = [...wrapper, 'python3', '-c', script]
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    children.push(child)
    await new Promise((resolve) => child.stdout.once('data', resolve))
  }

  test('of a protocol are told by it, in all namespaces together', async () => {
    modprobe('sctp')
    ip('netns add kmodsctp')
    const idle = await kmod.explain('sctp')
    expect(idle.users.filter(({ kind }) => kind === 'interface')).toEqual([])
    await socketIn([])
    await socketIn(['ip', 'netns', 'exec', 'kmodsctp'])
    const usage = await kmod.explain('sctp')
    expect(usage.users).toContainEqual(
      expect.objectContaining({ kind: 'socket', protocol: 'SCTP', count: 2, references: 2 }),
    )
    // No reference is told that the kernel does not count.
    const known = (of: Usage): number => of.users.reduce((sum, one) => sum + one.references!, 0)
    expect(usage.refCount).toBe(countOf('sctp'))
    expect(known(usage)).toBeLessThanOrEqual(usage.refCount!)
    expect(usage.unexplained).toBe(usage.refCount! - known(usage))
    expect(known(usage) - known(idle)).toBe(2)
    expect(usage.refCount! - idle.refCount!).toBeGreaterThanOrEqual(2)
  })
})

/** A process in namespaces of its own; it is there when this resolves. */
async function startIn(wrapper: string[], ready: string): Promise<ChildProcess> {
  const [program, ...args] = [...wrapper, 'sh', '-c', `${ready}; echo ready; exec sleep 1000`]
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  await new Promise((resolve) => child.stdout.once('data', resolve))
  return child
}

async function end(child: ChildProcess): Promise<void> {
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await gone
}
