/** A trace can end in any way: its instance in tracefs is removed, and other traces are not touched. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, openSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { childrenOf } from '../processes'
import { afterThisTest, modprobe, rejection, ROOT, run, until } from '../support'
import { begin, DEVICE, INSTANCES, instances, recording, take } from '../tracing'

beforeEach(() => {
  modprobe('tun')
  expect(instances()).toEqual([])
})

describe('the instance is removed', () => {
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

  test('after return()', async () => {
    const events = begin('tun')
    await recording()
    await events.return!()
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

  test('after an end during the start', async () => {
    const events = begin('tun')
    await events[Symbol.asyncDispose]()
    expect(instances()).toEqual([])
  })

  test('after more events than the buffer holds, of which the newest are kept', async () => {
    const events = begin('tun')
    await recording()
    const opened = 5000
    for (let i = 0; i < opened; i++) closeSync(openSync(DEVICE, 'r+'))
    run('sh', ['-c', `exec 5<>${DEVICE}`])
    // The oldest events were lost in the kernel's buffer. The others are complete, up to the newest.
    let count = 0
    for (
      let [event] = await take(events, 1);
      event!.comm !== 'sh';
      [event] = await take(events, 1)
    ) {
      expect(event).toMatchObject({ pid: process.pid, refCount: expect.any(Number) as number })
      count++
    }
    expect(count).toBeGreaterThan(0)
    expect(count).toBeLessThan(opened * 4)
    await events.return!()
    expect(instances()).toEqual([])
  })

  const start = (end: string): ChildProcess =>
    spawn(process.execPath, ['-e', `const events = require('node-kmod').trace('tun'); ${end}`], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'inherit'],
    })

  test('after the process has ended by itself', async () => {
    const child = start(`setTimeout(() => undefined, 1000)`)
    await recording()
    expect(await once(child, 'exit')).toEqual([0, null])
    await until('the instance is removed', () => instances().length === 0)
  })

  test('after process.exit while next() waits', async () => {
    const child = start(`events.next(); setTimeout(() => process.exit(3), 1000)`)
    await recording()
    expect(await once(child, 'exit')).toEqual([3, null])
    await until('the instance is removed', () => instances().length === 0)
  })

  test('after the process was killed', async () => {
    const child = start(`events.next()`)
    await recording()
    child.kill('SIGKILL')
    await until('the instance is removed', () => instances().length === 0)
  })

  test('after SIGTERM to the helper, and next() rejects', async () => {
    const events = begin('tun')
    await recording()
    process.kill(traceHelpers()[0]!, 'SIGTERM')
    expect(await rejection(events.next())).toMatchObject({ code: 'ERR_KMOD_SYSTEM' })
    expect(instances()).toEqual([])
  })

  test('after SIGKILL to the helper, when the next trace starts', async () => {
    const events = begin('tun')
    await recording()
    const [left] = instances()
    process.kill(traceHelpers()[0]!, 'SIGKILL')
    expect(await rejection(events.next())).toMatchObject({ code: 'ERR_KMOD_SYSTEM' })
    expect(instances()).toEqual([left])
    const next = begin('tun')
    await until('the old instance is removed, and a new one exists', () => {
      return instances().length === 1 && instances()[0] !== left
    })
    await recording()
    await next.return!()
    expect(instances()).toEqual([])
  })
})

test('the traces of others are not touched', async () => {
  const theirs = `${INSTANCES}/theirs`
  // Its name says that it belongs to this process, which still runs but did not start it.
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
  for (const folder of [theirs, owned, elsewhere]) {
    mkdirSync(folder)
    afterThisTest(() => rmdirSync(folder))
  }
  writeFileSync(`${theirs}/events/module/module_get/enable`, '1')
  const events = begin('tun')
  await until('the trace has an instance', () => instances().length === 3)
  closeSync(openSync(DEVICE, 'r+'))
  await events.return!()
  expect(instances().sort()).toEqual([owned, elsewhere].map((path) => basename(path)).sort())
  expect(readFileSync(`${theirs}/trace`, 'utf8')).toContain('module_get: tun call_site=misc_open')
  expect(readFileSync(`${theirs}/events/module/module_get/enable`, 'utf8')).toMatch(/^1/)
  expect(global()).toBe(before)
})

/** The helpers of this process that trace. */
function traceHelpers(): number[] {
  const commandOf = (pid: number): string => readFileSync(`/proc/${pid}/comm`, 'utf8').trim()
  return childrenOf(process.pid).filter((pid) => commandOf(pid) === 'kmod-trace')
}
