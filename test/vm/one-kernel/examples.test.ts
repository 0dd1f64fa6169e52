/** Every example, run as a user would. */
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { attempt, cleanUp, isInKernel, modprobe, ROOT } from '../support'

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

afterEach(() => cleanUp('br_netfilter', 'bridge', 'stp', 'llc', 'tun', 'dummy', 'minix', 'loop'))

test('none is forgotten here', () => {
  expect(readdirSync(EXAMPLES).sort()).toEqual([
    'ci-leaves-nothing.mjs',
    'embed-the-plan.mjs',
    'unload-with-progress.mjs',
    'unload-with-restore.mjs',
    'walk.mjs',
    'why-not.mjs',
  ])
})

test('the walk', () => {
  const { status, stdout, stderr } = example('walk.mjs')
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  for (const code of ['HELD', 'IN_USE', 'BUILTIN', 'CRITICAL']) {
    expect(stdout).toContain(`ERR_KMOD_${code}`)
  }
  for (const name of ['dummy', 'bridge', 'tun']) expect(isInKernel(name)).toBe(false)
})

test('unload with progress: done, and a deadline', async () => {
  modprobe('br_netfilter')
  const done = example('unload-with-progress.mjs', ['br_netfilter'])
  expect(done).toMatchObject({ status: 0, stderr: '' })
  expect(done.stdout).toContain('[4/4] llc (dependency): gone')
  expect(isInKernel('llc')).toBe(false)

  modprobe('tun')
  const device = await open('/dev/net/tun')
  const late = example('unload-with-progress.mjs', ['--wait', '0.5', 'tun'])
  await device.close()
  expect(late.status).toBe(75)
  expect(late.stdout).toMatch(/waiting.*tun is in use/)
  expect(late.stdout).toContain(String(process.pid))
  expect(late.stderr).toContain('ERR_KMOD_TIMEOUT')
})

test('unload with restore: all, or none', async () => {
  modprobe('br_netfilter')
  modprobe('tun')
  const device = await open('/dev/net/tun')
  const none = example('unload-with-restore.mjs', ['br_netfilter', 'tun'])
  await device.close()
  expect(none.status).toBe(1)
  expect(isInKernel('br_netfilter') && isInKernel('tun')).toBe(true)
  expect(example('unload-with-restore.mjs', ['br_netfilter', 'tun'])).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/^removed: .*br_netfilter/) as string,
  })
  expect(isInKernel('br_netfilter') || isInKernel('tun')).toBe(false)
})

test('a CI job leaves nothing', () => {
  modprobe('br_netfilter')
  expect(example('ci-leaves-nothing.mjs', ['llc', 'nosuchmodule'])).toMatchObject({
    status: 0,
    stdout: 'gone: br_netfilter, bridge, stp, llc, nosuchmodule\n',
    stderr: '',
  })
  expect(isInKernel('llc')).toBe(false)
})

test('a plan goes through another tool, and is carried out only while it is true', () => {
  modprobe('bridge')
  const planned = example('embed-the-plan.mjs', ['plan', 'llc'])
  expect(planned.status).toBe(0)
  expect(planned.stderr).toContain('rmmod bridge\nrmmod stp\nrmmod llc\n')
  modprobe('br_netfilter')
  const changed = example('embed-the-plan.mjs', ['run'], planned.stdout)
  expect(changed.status).toBe(1)
  expect(changed.stderr).toContain('rmmod br_netfilter')
  expect(isInKernel('llc')).toBe(true)
  attempt('rmmod', ['br_netfilter'])
  expect(example('embed-the-plan.mjs', ['run'], planned.stdout)).toMatchObject({
    status: 0,
    stdout: 'removed: bridge, stp, llc\n',
  })
})

test('why not: holders, and an open device', async () => {
  modprobe('bridge')
  const held = example('why-not.mjs', ['llc'])
  expect(held.stdout).toMatch(/bridge/)
  modprobe('tun')
  const device = await open('/dev/net/tun')
  const open_ = example('why-not.mjs', ['tun'])
  await device.close()
  expect(open_.stdout).toContain('/dev/net/tun')
  expect(open_.stdout).toContain(String(process.pid))
})
