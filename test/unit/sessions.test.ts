/** The connections to other machines that each interface carries, and their addresses. */
import fc from 'fast-check'
import { isIPv4, isIPv6 } from 'node:net'
import { effectsOf } from '../../lib/guard/effects'
import { establishedConnections, readSessions } from '../../lib/snapshot/network/sessions'
import {
  addressOfBytes,
  addressOfWords,
  endpoint,
  isLoopback,
} from '../../lib/snapshot/system/ip-address'
import type { RawNetFile } from '../../lib/snapshot/system/raw-survey'
import { netInterface, rawLink, snapshot, survey } from '../support/snapshots'

const NETNS = '/run/netns/blue'

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
