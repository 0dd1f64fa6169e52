/** explain() for sockets and network settings, compared with the kernel's counts. */
import { kmod } from 'node-kmod'
import { startReady } from '../processes'
import { addNamespace, countOf, modprobe, setSysctl } from '../support'
import { knownReferences, release, usersOf } from '../users'

test('the congestion control of each namespace takes a reference', async () => {
  modprobe('tcp_vegas')
  setSysctl('net.ipv4.tcp_congestion_control', 'vegas')
  // A new namespace starts with the setting of the first one.
  addNamespace('kmodcc')
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
  modprobe('sch_fq')
  setSysctl('net.core.default_qdisc', 'fq')
  const usage = await kmod.explain('sch_fq')
  expect(usage).toMatchObject({ refCount: countOf('sch_fq'), unexplained: 0 })
  expect(usage.users).toMatchObject([
    { kind: 'setting', name: 'net.core.default_qdisc', value: 'fq', references: 1 },
  ])
  release(usage.users[0])
  expect(countOf('sch_fq')).toBe(0)
})

// The control sockets of sctp keep it loaded afterwards.
test('sockets of a protocol are counted in all namespaces together', async () => {
  const socketIn = (wrapper: readonly string[]) => {
    const script =
      'import socket,sys,time; s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 132); ' +
      'print("ready", flush=True); time.sleep(1000)'
    return startReady([...wrapper, 'python3', '-c', script])
  }
  modprobe('sctp')
  addNamespace('kmodsctp')
  const idle = await kmod.explain('sctp')
  expect(usersOf(idle, 'interface')).toEqual([])
  await socketIn([])
  await socketIn(['ip', 'netns', 'exec', 'kmodsctp'])
  const usage = await kmod.explain('sctp')
  expect(usersOf(usage, 'socket')).toContainEqual(
    // Each takes one for its protocol and one for its family, which is the same module.
    expect.objectContaining({ protocol: 'SCTP', count: 2, references: 4 }),
  )
  expect(usage.refCount).toBe(countOf('sctp'))
  expect(knownReferences(usage)).toBeLessThanOrEqual(usage.refCount!)
  expect(usage.unexplained).toBe(usage.refCount! - knownReferences(usage))
  expect(knownReferences(usage) - knownReferences(idle)).toBe(4)
  expect(usage.refCount! - idle.refCount!).toBeGreaterThanOrEqual(4)
})
