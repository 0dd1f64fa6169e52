/** Network interfaces and namespaces in what explain() says. */
import { explain } from '../../lib/explain/explain'
import { commandIn } from '../../lib/explain/kind'
import { effectsOf } from '../../lib/guard/effects'
import { inNamespace } from '../../lib/kernel/net-namespace'
import { SimulatedKernel } from '../../lib/testing/simulated-kernel'
import { netInterface, snapshot } from '../support/snapshots'

const NETNS = '/run/netns/blue'

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
