/** Open sockets: the reader, and what explain() says of them. */
import fc from 'fast-check'
import { explain } from '../../lib/explain/explain'
import { establishedConnections } from '../../lib/snapshot/network/sessions'
import { readSockets } from '../../lib/snapshot/network/sockets'
import { Holders } from '../../lib/snapshot/system/holders'
import type { RawNetFile, RawOpenSockets } from '../../lib/snapshot/system/raw-survey'
import { SimulatedKernel } from '../../lib/testing/simulated-kernel'
import { holder, snapshot } from '../support/snapshots'

const NETNS = '/run/netns/blue'

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
