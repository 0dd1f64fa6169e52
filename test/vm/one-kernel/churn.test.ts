/** Reading the module table while another process loads and removes a module without a pause. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { kmod } from 'node-kmod'
import { afterThisTest, isInKernel, modprobe, run } from '../support'

const loaded = (): string[] => run('sh', ['-c', 'ls /sys/module']).split('\n').filter(isInKernel)

beforeEach(async () => {
  const { path } = await kmod.info('dummy')
  const script = `while :; do insmod ${path}; rmmod dummy; done`
  const churn = spawn('sh', ['-c', script], { stdio: 'ignore', detached: true })
  afterThisTest(async () => {
    const ended = once(churn, 'exit')
    process.kill(-churn.pid!, 'SIGKILL')
    await ended
  })
})

// /proc/modules is indexed by position and locked only during each read(2): sometimes one reading
// misses a module, or has one twice.
test('list neither misses a module nor has one twice', async () => {
  const names = loaded()
  // Enough rows for several reads.
  modprobe('-a', 'bridge', 'sctp', 'nf_tables', 'vfat', 'isofs', 'udf', 'ext2', 'minix')
  const stable = loaded().filter((name) => name !== 'dummy')
  expect(stable.length).toBeGreaterThan(names.length)

  let missed = 0
  let twice = 0
  let gaveUp = 0
  let withDummy = 0
  const rounds = 400
  for (let round = 0; round < rounds; round++) {
    const table = await kmod.list().catch(({ code }: { code: string }) => code)
    if (typeof table === 'string') {
      expect(table).toBe('ERR_KMOD_TRANSIENT')
      gaveUp++
      continue
    }
    const listed = table.map(({ name }) => name)
    const set = new Set(listed)
    if (set.size !== listed.length) twice++
    if (!stable.every((name) => set.has(name))) missed++
    if (set.has('dummy')) withDummy++
  }
  expect({ missed, twice }).toEqual({ missed: 0, twice: 0 })
  // The module really was loaded and removed meanwhile, and giving up is the exception.
  expect(withDummy).toBeGreaterThan(0)
  expect(withDummy).toBeLessThan(rounds)
  expect(gaveUp).toBeLessThan(rounds / 10)
})

test('a module that is removed between two reads is no error', async () => {
  const seen = new Set<string>()
  for (let round = 0; round < 150; round++) {
    seen.add(await kmod.status('dummy'))
    await kmod.find('dummy')
    await kmod.holders('dummy').catch(({ code }: { code: string }) => {
      expect(['ERR_KMOD_NOT_LOADED', 'ERR_KMOD_TRANSIENT']).toContain(code)
    })
  }
  for (const status of seen) {
    expect(['live', 'loading', 'unloading', 'unloaded']).toContain(status)
  }
  expect(seen.size).toBeGreaterThan(1)
})
