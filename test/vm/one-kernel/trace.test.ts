/** The events of trace(), compared with the kernel's reference counts. */
import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import type { ReferenceEvent } from 'node-kmod'
import { nodeAsOtherUser, nodeUnder, NOBODY } from '../processes'
import { afterThisTest, modprobe, removeModules } from '../support'
import { begin, DEVICE, instances, recording, take } from '../tracing'

const refCount = (): number => Number(readFileSync('/sys/module/tun/refcnt', 'utf8'))

beforeEach(() => modprobe('tun'))

describe('an open device', () => {
  test('gives events with its process, the callers and the counts', async () => {
    const events = begin('tun')
    await recording()
    const before = Date.now()
    const counts = [refCount()]
    const fd = openSync(DEVICE, 'r+')
    counts.push(refCount())
    const opened = await take(events, 2)
    closeSync(fd)
    counts.push(refCount())
    const closed = await take(events, 2)
    const after = Date.now()

    expect(opened.map(({ action }) => action)).toEqual(['get', 'get'])
    expect(closed.map(({ action }) => action)).toEqual(['put', 'put'])
    expect(opened[0]!.caller).toBe('misc_open')
    expect(closed[1]!.caller).toBe('__fput')
    const [, whenOpen, , whenClosed] = [...opened, ...closed]
    expect([counts[0]! + 1, counts[0]! + 2]).toEqual(opened.map(({ refCount: count }) => count))
    expect([whenOpen!.refCount, whenClosed!.refCount]).toEqual(counts.slice(1))
    const comm = readFileSync('/proc/self/comm', 'utf8').trimEnd()
    for (const event of [...opened, ...closed]) {
      expect(event).toMatchObject({ pid: process.pid, comm })
      // A clock that is being adjusted may jump a little; a wrong time zone is more than 1.5 s.
      expect(event.at.getTime()).toBeGreaterThan(before - 1500)
      expect(event.at.getTime()).toBeLessThan(after + 1500)
    }
  })

  test('opened by a thread gives events with the pid of the process', async () => {
    const events = begin('tun')
    await recording()
    const file = await open(DEVICE, 'r+')
    for (const { pid } of await take(events, 2)) expect(pid).toBe(process.pid)
    await file.close()
  })

  test('of a process whose name looks like trace output gives events with that name', async () => {
    const events = begin('tun')
    await recording()
    const name = 'a] (1) 5.0: x'
    const script = `printf '%s' '${name}' > /proc/self/comm; exec 5<>${DEVICE}; sleep 0.2; exec 5>&-; sleep 0.2`
    const child = spawn('sh', ['-c', script], { stdio: 'ignore' })
    for (const event of await take(events, 4)) {
      expect(event).toMatchObject({ pid: child.pid, comm: name })
    }
  })
})

test('a module that is loaded later is traced from its first reference on', async () => {
  removeModules('tun')
  const events = begin('tun')
  await recording()
  modprobe('tun')
  const [event] = await take(events, 1)
  expect(event).toMatchObject({ action: 'put', comm: 'modprobe', caller: 'do_init_module' })
})

test('references to other modules give no events', async () => {
  const events = begin('dummy')
  await recording()
  closeSync(openSync(DEVICE, 'r+'))
  modprobe('dummy')
  const [event] = await take(events, 1)
  expect(event!.comm).toBe('modprobe')
})

test('two traces at the same time are independent', async () => {
  const both = [begin('tun'), begin('tun')] as const
  await recording(2)
  closeSync(openSync(DEVICE, 'r+'))
  const [one, other] = await Promise.all(both.map((events) => take(events, 4)))
  // Each helper converts the time by itself.
  const timeless = (events?: ReferenceEvent[]) => events!.map((event) => ({ ...event, at: null }))
  expect(timeless(one)).toEqual(timeless(other))
  await both[0].return!()
  expect(instances()).toHaveLength(1)
  closeSync(openSync(DEVICE, 'r+'))
  expect(await take(both[1], 4)).toHaveLength(4)
})

test('the options of the global trace do not change the events', async () => {
  const setOption = (option: string): void =>
    writeFileSync('/sys/kernel/tracing/trace_options', option)
  for (const option of ['stacktrace', 'latency-format', 'hex', 'record-tgid', 'verbose']) {
    setOption(option)
    afterThisTest(() => setOption(`no${option}`))
  }
  const events = begin('tun')
  await recording()
  closeSync(openSync(DEVICE, 'r+'))
  expect(await take(events, 4)).toMatchObject([
    { action: 'get', pid: process.pid, caller: 'misc_open' },
    { action: 'get' },
    { action: 'put' },
    { action: 'put', caller: '__fput' },
  ])
})

describe('a trace that is not possible', () => {
  const script = `
    const { trace } = require('node-kmod')
    trace('tun').next().catch(({ code, message }) => console.log(code, message))`

  test('without root rejects with ERR_KMOD_PERMISSION', () => {
    const { stdout, stderr } = nodeAsOtherUser(NOBODY, script)
    expect(stderr).toBe('')
    expect(stdout).toMatch(/^ERR_KMOD_PERMISSION /)
  })

  test('without tracefs rejects with the command that mounts it', () => {
    const hide = 'umount /sys/kernel/tracing && mount -t tmpfs none /sys/kernel/debug && exec "$@"'
    const { stdout, stderr } = nodeUnder(['unshare', '-m', 'sh', '-c', hide, '-'], script)
    expect(stderr).toBe('')
    expect(stdout).toMatch(/^ERR_KMOD_UNSUPPORTED .*mount -t tracefs/)
  })
})
