/** explain() for network interfaces of all namespaces, compared with ip. */
import { kmod, type Usage } from 'node-kmod'
import { startIn } from '../processes'
import { addLink, addNamespace, afterThisTest, attempt, countOf, modprobe, run } from '../support'
import { release, usersOf } from '../users'

interface IpLink {
  ifname: string
  flags: string[]
  master?: string
  linkinfo?: { info_kind?: string }
}

const ip = (line: string): string => run('ip', line.split(' '))
const interfaces = (usage: Usage) => usersOf(usage, 'interface')

beforeEach(() => {
  // Without the interfaces that these create by themselves.
  modprobe('dummy', 'numdummies=0')
  modprobe('bonding', 'max_bonds=0')
  modprobe('tun')
  addNamespace('kmodnet')
  addLink('kmodbr', 'type', 'bridge')
  addLink('kmodd0', 'type', 'dummy')
  addLink('kmodd0.7', 'link', 'kmodd0', 'type', 'vlan', 'id', '7')
  addLink('kmodbond', 'type', 'bond')
  addLink('kmodd1', 'type', 'dummy')
  ip('link set kmodd1 master kmodbond')
  addLink('kmodv0', 'type', 'veth', 'peer', 'name', 'kmodv1', 'netns', 'kmodnet')
  ip('tuntap add kmodtun mode tun')
  afterThisTest(() => attempt('ip', ['link', 'del', 'kmodtun']))
  ip('-n kmodnet link add kmodbr2 type bridge')
  ip('-n kmodnet link set kmodbr2 up')
})

/** The interfaces of a kind, according to ip. */
function oracle(kind: string): unknown[] {
  return [null, 'kmodnet'].flatMap((netns) => {
    const where = netns === null ? [] : ['-n', netns]
    const links = JSON.parse(run('ip', [...where, '-j', '-d', 'link'])) as IpLink[]
    return links
      .filter(({ linkinfo }) => linkinfo?.info_kind === kind)
      .map(({ ifname, flags, master }): unknown =>
        expect.objectContaining({
          name: ifname,
          up: flags.includes('UP'),
          type: kind,
          master: master ?? null,
          netns:
            netns === null ? null : (expect.stringMatching(/\/run\/netns\/kmodnet$/) as string),
          references: kind === 'tun' ? null : 0,
        }),
      )
  })
}

test('interfaces of all namespaces are users of the module of their kind', async () => {
  for (const [module, kind, number] of [
    ['bridge', 'bridge', 2],
    ['dummy', 'dummy', 2],
    ['8021q', 'vlan', 1],
    ['bonding', 'bond', 1],
    ['veth', 'veth', 2],
    ['tun', 'tun', 1],
  ] as const) {
    const usage = await kmod.explain(module)
    expect([module, interfaces(usage)]).toEqual([module, oracle(kind)])
    expect([module, interfaces(usage).length]).toEqual([module, number])
    // A tun interface without a process takes one reference, which no file shows; others take none.
    const references = kind === 'tun' ? 1 : 0
    expect([module, usage]).toMatchObject([
      module,
      { refCount: countOf(module), references, unexplained: references },
    ])
  }
})

test('the commands in the answer delete the interfaces of all namespaces', async () => {
  for (const module of ['8021q', 'bonding', 'bridge', 'tun']) {
    for (const user of interfaces(await kmod.explain(module))) release(user)
    expect(interfaces(await kmod.explain(module))).toEqual([])
  }
  const child = await startIn(['unshare', '-n'], 'ip link add kmodp0 type bridge')
  const [user] = interfaces(await kmod.explain('bridge'))
  expect(user).toMatchObject({ name: 'kmodp0', netns: `pid:${child.pid}` })
  release(user)
  expect(interfaces(await kmod.explain('bridge'))).toEqual([])
})
