/** What would stop working without a module. */
import { effectsOf } from '../../lib/guard/effects'
import { impact } from '../../lib/guard/impact'
import type { Snapshot } from '../../lib/kernel/snapshot'
import { SimulatedKernel } from '../../lib/testing/simulated-kernel'
import { mount, netInterface, snapshot, swapArea } from '../support/snapshots'

/** "kind:subject" of each effect on a module. */
function effects(parts: Partial<Snapshot>, module: string): string[] {
  const found = effectsOf(snapshot(parts)).get(module) ?? []
  return found.map(({ kind, subject }) => `${kind}:${subject}`)
}

describe('file systems', () => {
  const mounts = [
    mount('/', '8:1', { modules: ['ext4'], below: ['dm_mod', 'nvme'] }),
    mount('/srv', '8:1', { modules: ['ext4'], below: ['dm_mod', 'nvme'] }),
    mount('/data', '8:2', { modules: ['xfs'], below: ['nvme'] }),
    mount('/copy', '8:2', { modules: ['xfs'], below: ['nvme'] }),
    mount('/proc', '0:4', { type: 'proc', source: 'proc', modules: ['proc'] }),
  ]

  test('have a kind of their own for the root, with its type and all below it', () => {
    expect(effects({ mounts }, 'ext4')).toEqual(['root-filesystem:/'])
    expect(effects({ mounts }, 'dm_mod')).toEqual(['root-filesystem:/'])
    expect(effectsOf(snapshot({ mounts })).get('ext4')).toEqual([
      {
        kind: 'root-filesystem',
        severity: 'critical',
        module: 'ext4',
        subject: '/',
        message: expect.stringContaining('/dev/sda1') as string,
      },
    ])
  })

  test('have one effect each, even if they are mounted several times', () => {
    expect(effects({ mounts }, 'xfs')).toEqual(['filesystem:/data'])
    expect(effects({ mounts }, 'nvme')).toEqual(['root-filesystem:/', 'filesystem:/data'])
  })

  test('of other namespaces count; their path is that in the own namespace, if they have one there', () => {
    const other = { own: false, isRoot: false, pid: 77 }
    const more = [
      mount('/', '8:3', { ...other, modules: ['btrfs'] }),
      mount('/in/there', '8:4', { ...other, modules: ['vfat'] }),
      mount('/here', '8:4', { modules: ['vfat'] }),
    ]
    expect(effects({ mounts: more }, 'btrfs')).toEqual(['filesystem:/'])
    expect(effects({ mounts: more }, 'vfat')).toEqual(['filesystem:/here'])
  })

  test('have two roots in a container: its own one and the one of the system', () => {
    const roots = [
      mount('/', '0:50', { modules: ['overlay'] }),
      mount('/', '8:1', { own: false, pid: 1, modules: ['ext4'] }),
    ]
    expect(effects({ mounts: roots }, 'overlay')).toEqual(['root-filesystem:/'])
    expect(effects({ mounts: roots }, 'ext4')).toEqual(['root-filesystem:/'])
  })
})

test('swap areas are critical', () => {
  const swaps = [swapArea('/dev/zram0', ['zram'])]
  expect(effectsOf(snapshot({ swaps })).get('zram')).toMatchObject([
    { kind: 'swap', severity: 'critical', subject: '/dev/zram0', module: 'zram' },
  ])
})

describe('interfaces', () => {
  const interfaces = [
    netInterface('eth0', { modules: ['e1000e'], master: 'bond0' }),
    netInterface('bond0', { modules: ['bonding'], lower: ['eth0'] }),
    netInterface('bond0.5', { modules: ['8021q'], lower: ['bond0'], hasDefaultRoute: true }),
    netInterface('d0', { modules: ['dummy'], up: false }),
  ]

  test('count whether they are up or down', () => {
    expect(effectsOf(snapshot({ interfaces })).get('dummy')).toEqual([
      {
        kind: 'interface',
        severity: 'disruptive',
        module: 'dummy',
        subject: 'd0',
        message: expect.stringContaining('down') as string,
      },
    ])
  })

  test('with a default route are critical, with all that they lie on', () => {
    expect(effects({ interfaces }, 'e1000e')).toEqual(['default-route:bond0.5', 'interface:eth0'])
    expect(effects({ interfaces }, 'bonding')).toEqual(['default-route:bond0.5', 'interface:bond0'])
  })

  test('have an effect of each kind', () => {
    const sessions = [{ netns: null, interface: 'bond0.5', remote: '192.0.2.7:22' }]
    expect(effects({ interfaces, sessions }, '8021q')).toEqual([
      'default-route:bond0.5',
      'session:bond0.5',
      'interface:bond0.5',
    ])
  })

  test('of another namespace are not mistaken for those of the own one', () => {
    const netns = '/run/netns/blue'
    const there = [
      netInterface('eth0', { modules: ['e1000e'] }),
      netInterface('eth0', { netns, modules: ['virtio_net'] }),
      netInterface('v0', {
        netns,
        modules: ['8021q'],
        lower: [`${netns}/eth0`],
        hasDefaultRoute: true,
      }),
    ]
    expect(effects({ interfaces: there }, 'e1000e')).toEqual(['interface:eth0'])
    expect(effects({ interfaces: there }, 'virtio_net')).toEqual([
      'default-route:/run/netns/blue/v0',
      'interface:/run/netns/blue/eth0',
    ])
  })

  test('of another namespace with a default route lie on a card of our own', () => {
    const netns = 'pid:77'
    const there = [
      netInterface('eth0', { modules: ['e1000e'] }),
      netInterface('m0', { netns, modules: ['macvlan'], lower: ['eth0'], hasDefaultRoute: true }),
    ]
    expect(effects({ interfaces: there }, 'e1000e')).toEqual([
      'default-route:pid:77/m0',
      'interface:eth0',
    ])
  })

  test('that lie on each other are searched once', () => {
    const circle = [
      netInterface('a', { modules: ['x'], lower: ['b'], hasDefaultRoute: true }),
      netInterface('b', { modules: ['y'], lower: ['a', 'gone'] }),
    ]
    expect(effects({ interfaces: circle }, 'y')).toEqual(['default-route:a', 'interface:b'])
  })
})

describe('keyboards', () => {
  const built = { input: 'input0', name: 'AT keyboard', modules: ['atkbd', 'i8042'] }
  const usb = { input: 'input3', name: 'USB keyboard', modules: ['usbhid', 'xhci_pci'] }
  const displays = [{ name: 'card0-eDP-1', modules: ['i915'] }]
  const severities = (parts: Partial<Snapshot>, module: string): string[] =>
    (effectsOf(snapshot(parts)).get(module) ?? []).map(
      ({ kind, subject, severity }) => `${kind}:${subject} ${severity}`,
    )

  test('are disruptive if another one remains', () => {
    const keyboards = [built, usb]
    expect(severities({ keyboards, displays }, 'atkbd')).toEqual(['input:input0 disruptive'])
    expect(severities({ keyboards, displays }, 'xhci_pci')).toEqual(['input:input3 disruptive'])
  })

  test('are critical if the removal of a module disables the last one of a machine with a display', () => {
    expect(severities({ keyboards: [usb], displays }, 'usbhid')).toEqual(['input:input3 critical'])
    expect(severities({ keyboards: [usb] }, 'usbhid')).toEqual(['input:input3 disruptive'])
    const second = { ...usb, input: 'input4' }
    expect(severities({ keyboards: [usb, second], displays }, 'usbhid')).toEqual([
      'input:input3 critical',
      'input:input4 critical',
    ])
  })
})

test('firewalls are critical, each named with its namespace', () => {
  const firewall = { subject: 'inet fw', what: 'table inet fw of nftables', modules: ['nf_tables'] }
  const firewalls = [
    { netns: null, ...firewall },
    { netns: 'pid:7', ...firewall },
  ]
  expect(effectsOf(snapshot({ firewalls })).get('nf_tables')).toMatchObject([
    { kind: 'firewall', severity: 'critical', subject: 'inet fw' },
    { kind: 'firewall', severity: 'critical', subject: 'pid:7/inet fw' },
  ])
})

test('every message is a sentence that names the subject', () => {
  const everything = snapshot({
    mounts: [mount('/', '8:1', { modules: ['m'] }), mount('/a', '8:2', { modules: ['m'] })],
    interfaces: [
      netInterface('eth0', { modules: ['m'], hasDefaultRoute: true }),
      netInterface('eth1', { modules: ['m'] }),
    ],
    swaps: [swapArea('/dev/sda2', ['m'])],
  })
  const all = effectsOf(everything).get('m')!
  expect(all.map(({ kind }) => kind)).toEqual([
    'root-filesystem',
    'filesystem',
    'swap',
    'default-route',
    'interface',
    'interface',
  ])
  for (const { message, subject, kind } of all) {
    expect(message).toMatch(/^[A-Z].*\.$/)
    if (kind !== 'root-filesystem') expect(message).toContain(subject)
  }
})

describe('impact()', () => {
  let kernel: SimulatedKernel
  beforeEach(() => {
    kernel = new SimulatedKernel()
      .add('llc')
      .add('bridge', { uses: ['llc'] })
      .add('dummy')
      .addToIndex(
        { name: 'bridge', aliases: ['rtnl-link-bridge', 'both'] },
        { name: 'dummy', aliases: ['both', 'bridge'] },
        { name: 'vfat', aliases: ['both'] },
        { name: 'ext4', builtin: true },
      )
    kernel.snapshotNow = snapshot({
      interfaces: [
        netInterface('br0', { modules: ['bridge'] }),
        netInterface('d0', { modules: ['dummy'] }),
        netInterface('d1', { modules: ['dummy'] }),
      ],
    })
  })
  const subjects = async (names: unknown): Promise<string[]> =>
    (await impact(kernel, names)).map(({ subject }) => subject)

  test('takes one name or several, and keeps their order', async () => {
    expect(await subjects('dummy')).toEqual(['d0', 'd1'])
    expect(await subjects(['dummy', 'bridge', 'dummy'])).toEqual(['d0', 'd1', 'br0'])
    expect(await subjects([])).toEqual([])
  })

  test('takes aliases: a loaded name takes precedence, an alias stands for all its matches', async () => {
    expect(await subjects('rtnl-link-bridge')).toEqual(['br0'])
    expect(await subjects('bridge')).toEqual(['br0'])
    expect(await subjects('both')).toEqual(['br0', 'd0', 'd1'])
  })

  test('is empty for a module that is not loaded, and rejects for an unknown name', async () => {
    expect(await subjects(['vfat', 'ext4', 'llc'])).toEqual([])
    await expect(impact(kernel, ['dummy', 'nothing'])).rejects.toMatchObject({
      code: 'ERR_KMOD_NOT_FOUND',
    })
    await expect(impact(kernel, 'no/such.alias')).rejects.toMatchObject({
      code: 'ERR_KMOD_NOT_FOUND',
    })
  })

  test.each([[undefined], [5], [[5]], [''], [['a\0b']]])('rejects %p', async (names) => {
    await expect(impact(kernel, names)).rejects.toBeInstanceOf(TypeError)
  })
})
