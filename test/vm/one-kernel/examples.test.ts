/** Every example, run like a user would run it. */
import { spawnSync } from 'node:child_process'
import { readdirSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  afterThisTest,
  attempt,
  isInKernel,
  modprobe,
  openTun,
  removeModules,
  ROOT,
  run,
  temporaryFolder,
} from '../support'

const EXAMPLES = join(ROOT, 'examples')

function example(
  name: string,
  args: readonly string[] = [],
  input = '',
): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(EXAMPLES, name), ...args], {
    encoding: 'utf8',
    input,
    cwd: '/',
  })
  return { status, stdout, stderr }
}

// driver-ci brings its own virtual machine: test/package/driver-ci.test.ts runs it.
test('all other examples are tested here', () => {
  expect(
    readdirSync(EXAMPLES)
      .filter((name) => name !== 'driver-ci')
      .sort(),
  ).toEqual([
    'ci-leaves-nothing.mjs',
    'clear-the-way.mjs',
    'embed-the-plan.mjs',
    'reap.mjs',
    'scope-in-a-test.mjs',
    'symbols.mjs',
    'unload-with-progress.mjs',
    'unload-with-restore.mjs',
    'update-driver.mjs',
    'walk.mjs',
    'why-not.mjs',
  ])
})

test('the walk leaves nothing behind', () => {
  const { status, stdout, stderr } = example('walk.mjs')
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  for (const code of ['HELD', 'IN_USE', 'BUILTIN', 'CRITICAL']) {
    expect(stdout).toContain(`ERR_KMOD_${code}`)
  }
  for (const name of ['dummy', 'bridge', 'tun']) expect(isInKernel(name)).toBe(false)
})

test('unload with progress: to the end, and up to the deadline', async () => {
  modprobe('br_netfilter')
  const done = example('unload-with-progress.mjs', ['br_netfilter'])
  expect(done).toMatchObject({ status: 0, stderr: '' })
  expect(done.stdout).toMatch(/\[4\/4\] llc/)
  expect(isInKernel('llc')).toBe(false)

  await openTun()
  const late = example('unload-with-progress.mjs', ['--wait', '0.5', 'tun'])
  expect(late.status).toBe(75)
  expect(late.stdout).toContain(String(process.pid))
  expect(late.stderr).toContain('ERR_KMOD_TIMEOUT')
})

test('unload with restore: all modules, or none', async () => {
  modprobe('br_netfilter')
  const device = await openTun()
  const none = example('unload-with-restore.mjs', ['br_netfilter', 'tun'])
  await device.close()
  expect(none.status).toBe(1)
  expect(isInKernel('br_netfilter') && isInKernel('tun')).toBe(true)
  expect(example('unload-with-restore.mjs', ['br_netfilter', 'tun'])).toMatchObject({
    status: 0,
    stdout: expect.stringContaining('br_netfilter') as string,
  })
  expect(isInKernel('br_netfilter') || isInKernel('tun')).toBe(false)
})

test('a CI job that removes what it loaded', () => {
  modprobe('br_netfilter')
  const { status, stdout, stderr } = example('ci-leaves-nothing.mjs', ['llc', 'nosuchmodule'])
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  expect(stdout).toContain('br_netfilter, bridge, stp, llc, nosuchmodule')
  expect(isInKernel('llc')).toBe(false)
})

test('a plan from another tool is carried out only if it is still up to date', () => {
  modprobe('bridge')
  const planned = example('embed-the-plan.mjs', ['plan', 'llc'])
  expect(planned.status).toBe(0)
  expect(planned.stderr).toContain('rmmod bridge\nrmmod stp\nrmmod llc\n')
  modprobe('br_netfilter')
  const changed = example('embed-the-plan.mjs', ['run'], planned.stdout)
  expect(changed.status).toBe(1)
  expect(changed.stderr).toContain('rmmod br_netfilter')
  expect(isInKernel('llc')).toBe(true)
  removeModules('br_netfilter')
  const done = example('embed-the-plan.mjs', ['run'], planned.stdout)
  expect(done.status).toBe(0)
  expect(done.stdout).toContain('bridge, stp, llc')
})

test('a new driver file, and one that does not load', () => {
  modprobe('br_netfilter')
  const file = join(temporaryFolder(), 'bridge.ko')
  run('sh', [
    '-c',
    `f=$(modinfo -n bridge); case $f in *.xz) xz -dc $f;; *) cat $f;; esac > ${file}`,
  ])
  const done = example('update-driver.mjs', [file])
  expect(done).toMatchObject({ status: 0, stderr: '' })
  expect(done.stdout).toContain('loaded: bridge, br_netfilter')
  truncateSync(file, 20_000)
  expect(example('update-driver.mjs', [file]).status).toBe(1)
  expect(isInKernel('br_netfilter')).toBe(true)
})

test('the reaper removes at the second pass what stayed idle', () => {
  modprobe('dummy', 'numdummies=0')
  const args = ['--interval', '0.2', '--passes', '2']
  expect(example('reap.mjs', ['--dry-run', ...args, 'dumm*'])).toMatchObject({
    status: 0,
    stdout: 'dummy: idle\ndummy: would be removed\n',
  })
  expect(example('reap.mjs', [...args, 'dumm*'])).toMatchObject({
    status: 0,
    stdout: 'dummy: idle\ndummy: removed\n',
  })
  expect(isInKernel('dummy')).toBe(false)
})

test('a test that leaves nothing', () => {
  const { status, stdout } = example('scope-in-a-test.mjs')
  expect({ status, stdout }).toMatchObject({ status: 0 })
  expect(stdout).toMatch(/pass 2/)
  expect(isInKernel('dummy')).toBe(false)
})

test('the way is cleared: what was shown is carried out', () => {
  modprobe('zram')
  writeFileSync('/sys/block/zram0/disksize', '16M')
  run('mkswap', ['/dev/zram0'])
  run('swapon', ['/dev/zram0'])
  afterThisTest(() => attempt('swapoff', ['/dev/zram0']))
  const shown = example('clear-the-way.mjs', ['zram', 'swap'])
  expect(shown.stdout).toContain('swapoff /dev/zram0\nrmmod zram')
  expect(isInKernel('zram')).toBe(true)
  expect(example('clear-the-way.mjs', ['--yes', 'zram', 'swap']).stdout).toContain('removed: zram')
  expect(isInKernel('zram')).toBe(false)
})

test('why not: holders, and an open device', async () => {
  modprobe('bridge')
  expect(example('why-not.mjs', ['llc']).stdout).toContain('bridge')
  await openTun()
  const inUse = example('why-not.mjs', ['tun'])
  expect(inUse.stdout).toContain('/dev/net/tun')
  expect(inUse.stdout).toContain(String(process.pid))
})

test('symbols: none is missing for what can be loaded; else the module that has it', () => {
  modprobe('stp')
  const [stp, bridge] = ['stp', 'bridge'].map((name) => run('modinfo', ['-n', name]).trim())
  const complete = example('symbols.mjs', [stp!])
  expect(complete).toMatchObject({ status: 0, stderr: '' })
  expect(complete.stdout).toMatch(/^stp needs \d+ symbols, of which 0 are missing\n$/)
  removeModules('stp', 'llc')
  const incomplete = example('symbols.mjs', [bridge!])
  expect(incomplete).toMatchObject({ status: 1, stderr: '' })
  expect(incomplete.stdout).toContain('  stp_proto_register: load stp\n')
  expect(incomplete.stdout).not.toContain('no module exports it')
  expect(example('symbols.mjs', ['/nowhere/x.ko']).status).toBe(2)
})
