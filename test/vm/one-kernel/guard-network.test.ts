/** What the guard finds for network modules: default routes, hardware, sessions with other machines. */
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { basename } from 'node:path'
import { kmod } from 'node-kmod'
import { end, startReady } from '../processes'
import {
  addLink,
  addNamespace,
  afterThisTest,
  attempt,
  countOf,
  modprobe,
  rejection,
  run,
  setSysctl,
  until,
} from '../support'
import { effectsOn, usersOf } from '../users'
import { readSurvey } from '../../support/live'

const ip = (line: string): string => run('ip', line.split(' '))

describe('a default route', () => {
  beforeEach(() => {
    // Without the interfaces that these create by themselves.
    modprobe('dummy', 'numdummies=0')
    modprobe('bonding', 'max_bonds=0')
    addLink('kmodr', 'type', 'bond')
    for (const name of ['kmodr0', 'kmodr1']) addLink(name, 'type', 'dummy')
    addLink('kmodr.9', 'link', 'kmodr', 'type', 'vlan', 'id', '9')
  })

  function setUpVlan(): void {
    ip('link set kmodr up')
    ip('link set kmodr.9 up')
    ip('addr add 198.51.100.2/24 dev kmodr.9')
  }

  test('over a VLAN on a bond of two interfaces is critical for each module below', async () => {
    for (const name of ['kmodr0', 'kmodr1']) ip(`link set ${name} master kmodr`)
    setUpVlan()
    ip('route add default via 198.51.100.1 dev kmodr.9')
    expect(await effectsOn('8021q')).toEqual([
      'critical default-route:kmodr.9',
      'disruptive interface:kmodr.9',
    ])
    expect(await effectsOn('bonding')).toEqual([
      'critical default-route:kmodr.9',
      'disruptive interface:kmodr',
    ])
    expect(await effectsOn('dummy')).toEqual([
      'critical default-route:kmodr.9',
      'disruptive interface:kmodr0',
      'disruptive interface:kmodr1',
    ])
    ip('route del default')
    expect(await effectsOn('8021q')).toEqual(['disruptive interface:kmodr.9'])
  })

  test('through nexthop objects and groups is found, whether the route shows the devices or not', async () => {
    ip('link set kmodr1 master kmodr')
    setUpVlan()
    ip('link set kmodr0 up')
    ip('addr add 203.0.113.2/24 dev kmodr0')
    afterThisTest(() => attempt('ip', ['nexthop', 'flush']))
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
      setSysctl('net.ipv4.nexthop_compat_mode', mode)
      ip('route add default nhid 71')
      expect(await routes()).toEqual([indexOf('kmodr.9')])
      ip('route replace default nhid 73')
      expect((await routes()).sort()).toEqual([indexOf('kmodr.9'), indexOf('kmodr0')].sort())
      ip('route del default')
    }
  })
})

describe('the driver of a network card', () => {
  const findCard = (): string | undefined =>
    readdirSync('/sys/class/net').find((name) => {
      const driver = `/sys/class/net/${name}/device/driver`
      return existsSync(driver) && basename(readlinkSync(driver)) === 'e1000'
    })

  test('is kept because of the default route, unless that is allowed', async () => {
    modprobe('e1000')
    await until('the interface exists', () => findCard() !== undefined)
    const name = findCard()!
    ip(`addr add 10.0.2.15/24 dev ${name}`)
    ip(`link set ${name} up`)
    ip(`route add default via 10.0.2.2 dev ${name}`)
    expect(countOf('e1000')).toBe(0)
    const usage = await kmod.explain('e1000')
    expect(usage).toMatchObject({ refCount: 0, unexplained: 0 })
    expect(usersOf(usage, 'interface')).toMatchObject([
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
    expect(findCard()).toBeUndefined()
  })
})

describe('a session', () => {
  beforeEach(() => {
    addNamespace('kmodfar')
    addNamespace('kmodnear')
    ip('-n kmodfar link add kmods1 type veth peer name kmods0 netns kmodnear')
    ip('-n kmodfar addr add 192.0.2.7/24 dev kmods1')
    ip('-n kmodfar addr add 2001:db8::7/64 dev kmods1 nodad')
    ip('-n kmodfar link set kmods1 up')
    ip('-n kmodnear addr add 192.0.2.8/24 dev kmods0')
    ip('-n kmodnear addr add 2001:db8::8/64 dev kmods0 nodad')
    ip('-n kmodnear link set kmods0 up')
    ip('-n kmodnear link set lo up')
  })
  const node = (namespace: string, script: string) =>
    startReady([
      ...['ip', 'netns', 'exec', namespace, process.execPath, '-e'],
      `const net = require('node:net'); ${script}`,
    ])
  const listen = (namespace: string, host: string) =>
    node(
      namespace,
      `net.createServer(() => {}).listen(4711, '${host}', () => console.log('ready'))`,
    )
  const connect = (namespace: string, host: string) =>
    node(namespace, `const s = net.connect(4711, '${host}', () => console.log('ready'))`)
  const sessions = async () => (await kmod.impact('veth')).filter(({ kind }) => kind === 'session')

  test.each([
    ['192.0.2.7', '192.0.2.7:4711'],
    ['2001:db8::7', '[2001:db8::7]:4711'],
  ])('with %s is critical for the module, on both sides', async (host, remote) => {
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

  test('of a machine with itself does not count', async () => {
    for (const host of ['127.0.0.1', '192.0.2.8', '::1', '2001:db8::8']) {
      const children = [await listen('kmodnear', host), await connect('kmodnear', host)]
      expect([host, await sessions()]).toEqual([host, []])
      for (const child of children) await end(child)
    }
  })

  test('is listed together with the default route of the same interface', async () => {
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
