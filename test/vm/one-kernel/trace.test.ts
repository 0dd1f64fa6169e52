/** Traces of a real kernel, beside its own counts. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs'
import { open } from 'node:fs/promises'
import { basename } from 'node:path'
import { kmod, type ReferenceEvent } from 'node-kmod'
import { cleanUp, modprobe, nodeUnder, rejection, ROOT, run, until } from '../support'

const INSTANCES = '/sys/kernel/tracing/instances'
const DEVICE = '/dev/net/tun'

/** Of this package. */
const instances = (): string[] =>
  readdirSync(INSTANCES).filter((name) => name.startsWith('node-kmod-'))
const refCount = (): number => Number(readFileSync('/sys/module/tun/refcnt', 'utf8'))

const begun: AsyncIterator<ReferenceEvent>[] = []

function begin(...args: Parameters<typeof kmod.trace>): ReturnType<typeof kmod.trace> {
  const events = kmod.trace(...args)
  begun.push(events)
  return events
}

/** Waits until the trace records; the instance is made first, and its events switched on last. */
async function recording(count = 1): Promise<void> {
  const isOn = (name: string): boolean =>
    readFileSync(`${INSTANCES}/${name}/events/module/module_put/enable`, 'utf8').startsWith('1')
  await until(`${count} record`, () => {
    try {
      return instances().filter(isOn).length === count
    } catch {
      return false // just removed
    }
  })
}

async function take(events: AsyncIterator<ReferenceEvent>, count: number) {
  const taken: ReferenceEvent[] = []
  while (taken.length < count) taken.push((await events.next()).value as ReferenceEvent)
  return taken
}

beforeAll(async () => {
  modprobe('tun')
  await until('the device is there', () => existsSync(DEVICE))
})
afterAll(() => cleanUp('tun', 'dummy'))
afterEach(async () => {
  // A test that failed has left its trace, and perhaps waits for it.
  for (const events of begun.splice(0)) await events.return!()
  expect(instances()).toEqual([])
})

describe('an open device', () => {
  test('is told with its process, its callers and its counts', async () => {
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
      // A clock that is being set may jump; a second and a half is no time zone.
      expect(event.at.getTime()).toBeGreaterThan(before - 1500)
      expect(event.at.getTime()).toBeLessThan(after + 1500)
    }
    await events.return!()
  })

  test('by a thread is told with the process', async () => {
    const events = begin('tun')
    await recording()
    const file = await open(DEVICE, 'r+')
    for (const { pid } of await take(events, 2)) expect(pid).toBe(process.pid)
    await file.close()
    await events.return!()
  })

  test('by a process with a name to be feared is told with that', async () => {
    const events = begin('tun')
    await recording()
    const name = 'a] (1) 5.0: x'
    const script = `printf '%s' '${name}' > /proc/self/comm; exec 5<>${DEVICE}; sleep 0.2; exec 5>&-; sleep 0.2`
    const child = spawn('sh', ['-c', script], { stdio: 'ignore' })
    for (const event of await take(events, 4)) {
      expect(event).toMatchObject({ pid: child.pid, comm: name })
    }
    await events.return!()
  })
})

test('a module that is not loaded yet is traced from its first reference on', async () => {
  cleanUp('tun')
  const events = begin('tun')
  await recording()
  modprobe('tun')
  const [event] = await take(events, 1)
  expect(event).toMatchObject({ action: 'put', comm: 'modprobe', caller: 'do_init_module' })
  await events.return!()
})

test('other modules are not told', async () => {
  const events = begin('dummy')
  await recording()
  closeSync(openSync(DEVICE, 'r+'))
  modprobe('dummy')
  const [event] = await take(events, 1)
  expect(event!.comm).toBe('modprobe')
  await events.return!()
})

test('two at once each tell their own', async () => {
  const both = [begin('tun'), begin('tun')]
  await recording(2)
  closeSync(openSync(DEVICE, 'r+'))
  const [one, other] = await Promise.all(both.map((events) => take(events, 4)))
  // Each helper converts the time by itself.
  const timeless = (events?: ReferenceEvent[]) => events!.map((event) => ({ ...event, at: null }))
  expect(timeless(one)).toEqual(timeless(other))
  await both[0]!.return!()
  expect(instances()).toHaveLength(1)
  closeSync(openSync(DEVICE, 'r+'))
  expect(await take(both[1]!, 4)).toHaveLength(4)
  await both[1]!.return!()
})

describe('nothing is left in the kernel', () => {
  test('after break', async () => {
    const events = begin('tun')
    await recording()
    closeSync(openSync(DEVICE, 'r+'))
    for await (const { pid } of events) {
      expect(pid).toBe(process.pid)
      break
    }
    expect(instances()).toEqual([])
  })

  test('after an abort', async () => {
    const controller = new AbortController()
    const events = begin('tun', { signal: controller.signal })
    const waiting = rejection(events.next())
    await recording()
    controller.abort()
    expect(await waiting).toMatchObject({ code: 'ERR_KMOD_ABORTED', name: 'AbortError' })
    expect(instances()).toEqual([])
  })

  test('after an end that comes before the beginning is through', async () => {
    const events = begin('tun')
    await events[Symbol.asyncDispose]()
    expect(instances()).toEqual([])
  })

  test('after many events that nobody read, of which the newest come all the same', async () => {
    const events = begin('tun')
    await recording()
    const opened = 5000
    for (let i = 0; i < opened; i++) closeSync(openSync(DEVICE, 'r+'))
    run('sh', ['-c', `exec 5<>${DEVICE}`])
    // The oldest were lost, in the kernel's buffer: what comes is whole, and goes on to the newest.
    let told = 0
    for (
      let [event] = await take(events, 1);
      event!.comm !== 'sh';
      [event] = await take(events, 1)
    ) {
      expect(event).toMatchObject({ pid: process.pid, refCount: expect.any(Number) as number })
      told++
    }
    expect(told).toBeGreaterThan(0)
    expect(told).toBeLessThan(opened * 4)
    await events.return!()
  })

  const start = (end: string): ChildProcess =>
    spawn(process.execPath, ['-e', `const events = require('node-kmod').trace('tun'); ${end}`], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'inherit'],
    })

  test('after the process has ended by itself, with a trace that nobody asks', async () => {
    const child = start(`setTimeout(() => undefined, 1000)`)
    await recording()
    expect(await once(child, 'exit')).toEqual([0, null])
    await until('it is gone', () => instances().length === 0)
  })

  test('after process.exit, while an event is waited for', async () => {
    const child = start(`events.next(); setTimeout(() => process.exit(3), 1000)`)
    await recording()
    expect(await once(child, 'exit')).toEqual([3, null])
    await until('it is gone', () => instances().length === 0)
  })

  test('after the process was killed', async () => {
    const child = start(`events.next()`)
    await recording()
    child.kill('SIGKILL')
    await until('it is gone', () => instances().length === 0)
  })

  test('after the helper was ended by SIGTERM, which the iterator tells', async () => {
    const events = begin('tun')
    await recording()
    process.kill(helpers()[0]!, 'SIGTERM')
    expect(await rejection(events.next())).toMatchObject({ code: 'ERR_KMOD_SYSTEM' })
    expect(instances()).toEqual([])
  })

  test('after the helper was killed and another trace was begun', async () => {
    const events = begin('tun')
    await recording()
    const [left] = instances()
    process.kill(helpers()[0]!, 'SIGKILL')
    expect(await rejection(events.next())).toMatchObject({ code: 'ERR_KMOD_SYSTEM' })
    expect(instances()).toEqual([left])
    const next = begin('tun')
    await until('another took its place', () => instances().length === 1 && instances()[0] !== left)
    await recording()
    await next.return!()
  })
})

test('the traces of others are left alone', async () => {
  const theirs = `${INSTANCES}/theirs`
  // Their owner lives: this process, which never started a trace by this number itself.
  const ticks = readFileSync('/proc/self/stat', 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ')[19]
  const owned = `${INSTANCES}/node-kmod-${process.pid}-${ticks}-4026531836`
  const elsewhere = `${INSTANCES}/node-kmod-1-1-1`
  const global = (): string =>
    ['trace_clock', 'trace_options', 'events/module/module_get/enable', 'buffer_size_kb']
      .map((name) => readFileSync(`/sys/kernel/tracing/${name}`, 'utf8'))
      .join()
  const before = global()
  for (const folder of [theirs, owned, elsewhere]) mkdirSync(folder)
  writeFileSync(`${theirs}/events/module/module_get/enable`, '1')
  try {
    const events = begin('tun')
    await until('it records', () => instances().length === 3)
    closeSync(openSync(DEVICE, 'r+'))
    await events.return!()
    expect(instances().sort()).toEqual([owned, elsewhere].map((path) => basename(path)).sort())
    expect(readFileSync(`${theirs}/trace`, 'utf8')).toContain('module_get: tun call_site=misc_open')
    expect(readFileSync(`${theirs}/events/module/module_get/enable`, 'utf8')).toMatch(/^1/)
    expect(global()).toBe(before)
  } finally {
    for (const folder of [theirs, owned, elsewhere]) rmdirSync(folder)
  }
})

test("the options of the whole machine's trace do not garble it", async () => {
  const setOption = (option: string): void =>
    writeFileSync('/sys/kernel/tracing/trace_options', option)
  const options = ['stacktrace', 'latency-format', 'hex', 'record-tgid', 'verbose']
  for (const option of options) setOption(option)
  try {
    const events = begin('tun')
    await recording()
    closeSync(openSync(DEVICE, 'r+'))
    expect(await take(events, 4)).toMatchObject([
      { action: 'get', pid: process.pid, caller: 'misc_open' },
      { action: 'get' },
      { action: 'put' },
      { action: 'put', caller: '__fput' },
    ])
    await events.return!()
  } finally {
    for (const option of options) setOption(`no${option}`)
  }
})

describe('a trace that cannot be', () => {
  const script = `
    const { trace } = require('node-kmod')
    trace('tun').next().catch(({ code, message }) => console.log(code, message))`

  test('for want of root says what is missing', () => {
    const { stdout, stderr } = nodeUnder(
      ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'],
      script,
    )
    expect(stderr).toBe('')
    expect(stdout).toMatch(/^ERR_KMOD_PERMISSION .*root/)
  })

  test('for want of tracefs says how to mount it', () => {
    const hide =
      'umount /sys/kernel/tracing && ' + 'mount -t tmpfs none /sys/kernel/debug && exec "$@"'
    const { stdout, stderr } = nodeUnder(['unshare', '-m', 'sh', '-c', hide, '-'], script)
    expect(stderr).toBe('')
    expect(stdout).toMatch(/^ERR_KMOD_UNSUPPORTED .*mount -t tracefs/)
  })
})

/** The helpers of this process that trace. */
function helpers(): number[] {
  const pids = run('pgrep', ['-P', String(process.pid), '-x', 'kmod-trace'])
  return pids.trim().split('\n').map(Number)
}
