/** watch(), the idle reaper and what tools are told, with the events and the counts of the kernel. */
import { readdirSync, readFileSync } from 'node:fs'
import { IdleReaper, kmod, type ModuleEvent } from 'node-kmod'
import { childrenOf, nodeUnder, startReady } from '../processes'
import {
  addLink,
  afterThisTest,
  isInKernel,
  modprobe,
  openTun,
  rejection,
  removeModules,
  run,
  setSysctl,
  until,
} from '../support'

/** The next events as texts. */
async function take(events: AsyncIterator<ModuleEvent>, count: number): Promise<string[]> {
  const texts: string[] = []
  while (texts.length < count) {
    const { value } = (await events.next()) as { value: ModuleEvent }
    texts.push(`${value.action} ${value.module}`)
  }
  return texts
}

describe('watch', () => {
  test('is open when it returns', async () => {
    const events = kmod.watch()
    run('modprobe', ['dummy'])
    run('rmmod', ['dummy'])
    expect(await take(events, 2)).toEqual(['load dummy', 'unload dummy'])
    await events.return!()
  })

  test('two watches, one with a filter, see the same numbers', async () => {
    const [all, some] = [kmod.watch(), kmod.watch({ modules: ['stp'] })]
    modprobe('stp')
    const events: ModuleEvent[] = []
    while (events.length < 2) events.push((await all.next()).value as ModuleEvent)
    expect(events.map(({ module }) => module)).toEqual(['llc', 'stp'])
    expect((await some.next()).value).toMatchObject({
      module: 'stp',
      sequence: events[1]!.sequence,
    })
    await Promise.all([all.return!(), some.return!()])
    removeModules('stp', 'llc')
  })

  test('of many pairs none is lost, or an overrun says so', async () => {
    const events = kmod.watch({ modules: 'dummy' })
    const pairs = 40
    const script = `for i in $(seq ${pairs}); do insmod $1; rmmod dummy; done`
    const file = run('modinfo', ['-n', 'dummy']).trim()
    // insmod of a compressed file unpacks it; the kernel sees the same.
    const done = startReady(['sh', '-c', `${script}; echo done`, 'sh', file])
    const seen = { load: 0, unload: 0, overrun: 0 }
    for await (const { action } of events) {
      seen[action]++
      if (seen.overrun > 0 || seen.unload === pairs) break
    }
    if (seen.overrun === 0) expect(seen).toEqual({ load: pairs, unload: pairs, overrun: 0 })
    await done
  }, 300_000)

  test('what a slow reader loses is told, after what it has', () => {
    // Without CAP_NET_ADMIN this is the limit of the buffer of the socket. Newer kernels have a higher default.
    setSysctl('net.core.rmem_max', '212992')
    const wrapper = ['setpriv', '--inh-caps', '-net_admin', '--bounding-set', '-net_admin']
    const script = `
      const { execFileSync } = require('node:child_process')
      const { readdirSync, readFileSync } = require('node:fs')
      const { watch } = require('node-kmod')
      const events = watch()
      const next = async () => Object.values((await events.next()).value).slice(0, 2).join(' ')
      ;(async () => {
        execFileSync('modprobe', ['dummy', 'numdummies=0'])
        console.log(await next())
        const read = (thread) => readFileSync('/proc/self/task/' + thread + '/children', 'utf8')
        const children = readdirSync('/proc/self/task').flatMap((thread) => read(thread).trim().split(' '))
        const isWatch = (pid) => pid !== '' && readFileSync('/proc/' + pid + '/comm', 'utf8') === 'kmod-watch\\n'
        const helper = children.find(isWatch)
        process.kill(helper, 'SIGSTOP')
        // Synthetic events fill the buffer; they are no loads.
        const flood = 'for i in $(seq 3000); do echo change > /sys/module/dummy/uevent; done; rmmod dummy'
        execFileSync('sh', ['-c', flood])
        process.kill(helper, 'SIGCONT')
        console.log(await next())
        await events.return()
      })()
    `
    const { stdout, stderr } = nodeUnder(wrapper, script)
    expect({ stdout, stderr }).toEqual({ stdout: 'load dummy\noverrun \n', stderr: '' })
  }, 60_000)

  test('while idle, neither the helper nor the Node process wakes up', async () => {
    const script = `
      require('node-kmod').watch().next()
      setTimeout(() => process.stdout.write('ready'), 2000)
    `
    const child = await startReady([process.execPath, '-e', script])
    const [helper] = childrenOf(child.pid!)
    const wakeUps = (pid: number): number => {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8')
      return Number(/^voluntary_ctxt_switches:\s*(\d+)/m.exec(status)![1])
    }
    // A timer would wake one of them in each of these times. A late event of the start, which a busy machine
    // delays, wakes the Node process in one only.
    const wokenUp: number[] = []
    while (wokenUp.length < 5 && wokenUp.at(-1) !== 0) {
      const count = (): number => wakeUps(helper!) + wakeUps(child.pid!)
      const before = count()
      await new Promise((resolve) => setTimeout(resolve, 5_000))
      wokenUp.push(count() - before)
    }
    expect(wokenUp.at(-1)).toBe(0)
  }, 60_000)

  test('in a network namespace of another user namespace the first next() rejects', () => {
    const script = `
      const { watch } = require('node-kmod')
      watch().next().then(console.log, (error) => console.log(error.code))
    `
    const { stdout } = nodeUnder(['unshare', '--user', '--net', '--map-root-user'], script)
    expect(stdout).toBe('ERR_KMOD_UNSUPPORTED\n')
    // A namespace of the first user namespace gets the events.
    const other = nodeUnder(
      ['unshare', '--net'],
      script.replace('watch()', 'watch({ signal: AbortSignal.timeout(500) })'),
    )
    expect(other.stdout).toBe('ERR_KMOD_ABORTED\n')
  })
})

describe('the idle reaper', () => {
  const instances = (): string[] =>
    readdirSync('/sys/kernel/tracing/instances').filter((name) => name.startsWith('node-kmod'))

  test('tags, then removes; a use in between spares', async () => {
    modprobe('dummy', 'numdummies=0')
    modprobe('tun')
    addLink('d0', 'type', 'dummy')
    const reaper = new IdleReaper({ candidates: ['dummy', 'tun', 'no_such'] })
    afterThisTest(() => reaper.stop())
    expect(await reaper.pass()).toMatchObject({
      tagged: ['tun'],
      spared: [{ module: 'dummy', reason: 'effect' }],
    })
    // A short use: nothing of it is left at the next pass.
    await (await openTun()).close()
    expect(await reaper.pass()).toMatchObject({
      tagged: ['tun'],
      removed: [],
      spared: [
        { module: 'tun', reason: 'used-since' },
        { module: 'dummy', reason: 'effect' },
      ],
    })
    run('ip', ['link', 'del', 'd0'])
    expect(await reaper.pass()).toMatchObject({ tagged: ['dummy'], removed: ['tun'] })
    expect(isInKernel('tun')).toBe(false)
    expect(instances()).toHaveLength(1)
    await reaper.stop()
    expect(instances()).toEqual([])
  })

  test('the instance of a reaper that was killed is removed by the next one', async () => {
    const script = `
      const { IdleReaper } = require('node-kmod')
      const reaper = new IdleReaper({ candidates: ['dummy'] })
      reaper.pass().then(() => process.stdout.write('ready'))
      setInterval(() => {}, 1e9)
    `
    const child = await startReady([process.execPath, '-e', script])
    expect(instances()).toHaveLength(1)
    for (const pid of childrenOf(child.pid!)) process.kill(pid, 'SIGKILL')
    child.kill('SIGKILL')
    await until('the instance is abandoned', () => instances().length === 1)
    const reaper = new IdleReaper({ candidates: ['dummy'] })
    await reaper.pass()
    expect(instances()).toHaveLength(1)
    await reaper.stop()
    expect(instances()).toEqual([])
  })
})

test('NODE_DEBUG prints the calls and the steps', () => {
  modprobe('dummy')
  const script = "require('node-kmod').unload('dummy')"
  const { stderr } = nodeUnder(['env', 'NODE_DEBUG=node-kmod'], script)
  expect(stderr).toMatch(/unload: begins, 'dummy'/)
  expect(stderr).toMatch(/step: remove dummy \(target\)/)
  expect(stderr).toMatch(/unload: ends/)
})

test('an abort ends a watch', async () => {
  const events = kmod.watch({ signal: AbortSignal.timeout(100) })
  expect((await rejection(events.next())).code).toBe('ERR_KMOD_ABORTED')
})
