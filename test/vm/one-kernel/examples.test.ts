/** Every example, run like a user would run it. */
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { isInKernel, modprobe, openTun, removeModules, ROOT, run } from '../support'

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

test('all examples are tested here', () => {
  expect(readdirSync(EXAMPLES).sort()).toEqual([
    'ci-leaves-nothing.mjs',
    'embed-the-plan.mjs',
    'symbols.mjs',
    'unload-with-progress.mjs',
    'unload-with-restore.mjs',
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
