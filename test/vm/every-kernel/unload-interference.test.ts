/** unload() while other processes, or other calls, load and remove the same modules. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { kmod, type UnloadReport } from 'node-kmod'
import { isInKernel, lsmod, modprobe, rejection, ROOT, run, until } from '../support'

const CHAIN = ['br_netfilter', 'bridge', 'stp', 'llc']
const loaded = (): string[] =>
  lsmod()
    .map(({ name }) => name)
    .sort()

let before: string[]
beforeEach(() => {
  before = loaded()
})

test('a module that another process removes during the run is absent', async () => {
  modprobe('br_netfilter')
  const report = await kmod.unload('br_netfilter', {
    onStep: ({ step, state }) => {
      if (step.module === 'stp' && state === 'start') run('rmmod', ['stp'])
    },
  })
  expect(report).toMatchObject({ removed: ['br_netfilter', 'bridge', 'llc'], absent: ['stp'] })
  expect(loaded()).toEqual(before)
})

test('a dependency that gets a new holder during the run is kept', async () => {
  modprobe('br_netfilter')
  const report = await kmod.unload('br_netfilter', {
    onStep: ({ step, state }) => {
      if (step.module === 'bridge' && state === 'done') modprobe('garp') // which uses stp and llc
    },
  })
  expect(report).toMatchObject({
    removed: ['br_netfilter', 'bridge'],
    kept: [
      { module: 'stp', reason: 'held' },
      { module: 'llc', reason: 'held' },
    ],
    failed: null,
  })
})

test('a target that is loaded again during the run has reappeared', async () => {
  modprobe('br_netfilter')
  const error = await rejection(
    kmod.unload('br_netfilter', {
      onStep: ({ step, state }) => {
        if (step.module === 'br_netfilter' && state === 'done') modprobe('br_netfilter')
      },
    }),
  )
  expect(error).toMatchObject({
    code: 'ERR_KMOD_REAPPEARED',
    module: 'br_netfilter',
    report: { removed: ['br_netfilter'], reappeared: ['br_netfilter'] },
  })
  expect(CHAIN.every(isInKernel)).toBe(true)
})

test('a target that is loaded again within the time of settle has reappeared', async () => {
  modprobe('dummy')
  const error = await rejection(
    kmod.unload('dummy', {
      settle: 4_000,
      onStep: ({ state }) => {
        if (state === 'done') spawn('modprobe', ['dummy'])
      },
    }),
  )
  expect(error).toMatchObject({
    code: 'ERR_KMOD_REAPPEARED',
    module: 'dummy',
    report: { removed: ['dummy'], reappeared: ['dummy'], clean: false },
  })
})

test('two calls that share modules remove each of them once', async () => {
  modprobe('br_netfilter')
  const [first, second] = await Promise.all([
    kmod.unload('br_netfilter', { wait: 30_000 }),
    kmod.unload('llc', { wait: 30_000, holders: 'remove' }),
  ])
  expect([...first.removed, ...second.removed].sort()).toEqual([...CHAIN].sort())
  expect(loaded()).toEqual(before)
})

test('two processes that share modules both succeed, and remove each of them once', async () => {
  modprobe('br_netfilter')
  const script = `
    const { unload } = require('node-kmod')
    process.stdin.once('data', () =>
      unload(${JSON.stringify(CHAIN)}, { wait: 30_000 }).then(
        (report) => console.log(JSON.stringify(report)),
        (error) => { console.error(error); process.exitCode = 1 },
      ).finally(() => process.stdin.destroy()),
    )
    require('node-kmod').list().then(() => console.log('ready'))`
  const children = [0, 1].map(() =>
    spawn(process.execPath, ['-e', script], { cwd: ROOT, stdio: ['pipe', 'pipe', 'inherit'] }),
  )
  const output = ['', '']
  children.forEach((child, i) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output[i] += text))
  })
  await until('both are ready', () => output.every((text) => text.includes('ready')), 60)
  const ends = children.map((child) => once(child, 'exit'))
  for (const child of children) child.stdin.write('go')
  expect(await Promise.all(ends)).toEqual([
    [0, null],
    [0, null],
  ])
  expect(loaded()).toEqual(before)
  const removed = output.flatMap(
    (text) => (JSON.parse(text.trim().split('\n').at(-1)!) as UnloadReport).removed,
  )
  expect(removed.sort()).toEqual([...CHAIN].sort())
})
