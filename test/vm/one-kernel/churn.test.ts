import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { kmod } from 'node-kmod'
import { cleanUp, isInKernel, modprobe, rejection, run } from '../support'

// One reading of /proc/modules misses a module, or has one twice, now and then while others come and
// go: the file is indexed by position, and locked for each read(2) only.
test('the table is true while modules come and go', async () => {
  // Enough rows for several reads.
  const names = run('sh', ['-c', 'ls /sys/module']).split('\n').filter(isInKernel)
  modprobe('-a', 'bridge', 'sctp', 'nf_tables', 'vfat', 'isofs', 'udf', 'ext2', 'minix')
  const stable = run('sh', ['-c', 'ls /sys/module']).split('\n').filter(isInKernel)
  expect(stable.length).toBeGreaterThan(names.length)

  const { path: file } = await kmod.info('dummy')
  const churn = spawn('sh', ['-c', `while :; do insmod ${file}; rmmod dummy; done`], {
    stdio: 'ignore',
    detached: true,
  })
  try {
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
    // It did come and go beside the reader, and giving up is the exception.
    expect(withDummy).toBeGreaterThan(0)
    expect(withDummy).toBeLessThan(rounds)
    expect(gaveUp).toBeLessThan(rounds / 10)
  } finally {
    process.kill(-churn.pid!, 'SIGKILL')
    await once(churn, 'exit')
    cleanUp('dummy')
  }
})

test('a module that vanishes between two reads is a normal event', async () => {
  const { path: file } = await kmod.info('dummy')
  const churn = spawn('sh', ['-c', `while :; do insmod ${file}; rmmod dummy; done`], {
    stdio: 'ignore',
    detached: true,
  })
  try {
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
  } finally {
    process.kill(-churn.pid!, 'SIGKILL')
    await once(churn, 'exit')
    cleanUp('dummy')
  }
  expect(await rejection(kmod.remove('nosuchmodule'))).toMatchObject({ code: 'ERR_KMOD_NOT_FOUND' })
})
