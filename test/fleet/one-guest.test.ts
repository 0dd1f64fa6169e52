/** The modules of the collection on one machine, over ssh: check mode, differences, results, errors. */
import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { openController, type Controller } from './controller'
import { resultOf, startFleet, type Fleet } from './machines'

jest.setTimeout(300_000)

let controller: Controller
let fleet: Fleet
beforeAll(async () => {
  controller = await openController()
  fleet = await startFleet(controller, { guest: 'modprobe dummy; modprobe br_netfilter' })
})
afterAll(async () => {
  await (fleet as Fleet | undefined)?.stop()
  ;(controller as Controller | undefined)?.close()
})

/** What a module of the collection returns. */
async function ask(module: string, options: object, ...more: string[]) {
  const { folder, executable, run } = controller
  const results = mkdtempSync(join(folder, 'results-'))
  const { stdout, stderr } = await run(
    'ansible',
    [
      ...['all', '-i', fleet.inventory, '-m', `node_kmod.kmod.${module}`],
      ...['-a', JSON.stringify({ executable, ...options }), ...more],
      // Only so do the files of --tree have the differences.
      ...['--tree', results, '-vvv'],
    ],
    // Likewise the warnings, which Ansible otherwise prints and drops.
    { env: { ANSIBLE_ACTION_WARNINGS: '0' } },
  )
  try {
    return resultOf(results, 'guest')
  } catch (error) {
    throw new Error(`${stdout}${stderr}`, { cause: error })
  }
}

const loaded = async (): Promise<string[]> => {
  const rows = await fleet.machines[0]!.ssh('cat /proc/modules')
  return rows.split('\n').map((row) => row.split(' ', 1)[0]!)
}
const BRIDGE = ['br_netfilter', 'bridge', 'stp', 'llc']

test('check mode is the plan, and changes nothing', async () => {
  const result = await ask('kmod_unload', { name: ['br_netfilter'] }, '--check', '--diff')
  expect(result).toMatchObject({
    changed: true,
    removed: BRIDGE,
    absent: [],
    blockers: [],
    plan: { targets: ['br_netfilter'], feasible: true },
    diff: { before: [...BRIDGE].sort().join('\n') + '\n', after: '' },
  })
  expect(await loaded()).toEqual(expect.arrayContaining(BRIDGE))
})

test('an unload changes what the plan said, and the second one nothing', async () => {
  const first = await ask('kmod_unload', { name: ['br-netfilter'] }, '--diff')
  expect(first).toMatchObject({
    changed: true,
    removed: BRIDGE,
    report: { removed: BRIDGE, clean: true },
    diff: { before: [...BRIDGE].sort().join('\n') + '\n', after: '' },
  })
  const left = await loaded()
  expect(BRIDGE.filter((name) => left.includes(name))).toEqual([])
  expect(await ask('kmod_unload', { name: ['br-netfilter'] }, '--diff')).toMatchObject({
    changed: false,
    removed: [],
    absent: ['br_netfilter'],
    diff: { before: '', after: '' },
  })
})

test('the driver of the card that carries the ssh session stays', async () => {
  const result = await ask('kmod_unload', { name: ['e1000'], consent: true })
  expect(result).toMatchObject({
    failed: true,
    changed: false,
    code: 'ERR_KMOD_CRITICAL',
    blockers: expect.arrayContaining([
      expect.objectContaining({ effect: expect.objectContaining({ subject: 'eth0' }) as object }),
    ]) as object,
    remedies: expect.arrayContaining(['allow: ["default-route:eth0"]']) as object,
  })
  expect(result.msg).toContain('eth0')
  expect(await loaded()).toContain('e1000')
})

test('what stops working needs consent, in check mode too', async () => {
  await fleet.machines[0]!.ssh('ip link add dummy0 type dummy')
  for (const more of [['--check'], []]) {
    const refused = await ask('kmod_unload', { name: ['dummy'] }, ...more)
    expect(refused).toMatchObject({ failed: true, changed: false, code: null })
    expect(refused.msg).toContain('consent: true')
    expect(refused.effects).toMatchObject([{ kind: 'interface', subject: 'dummy0' }])
  }
  expect(await loaded()).toContain('dummy')
  const agreed = await ask('kmod_unload', { name: ['dummy'], consent: true })
  expect(agreed).toMatchObject({ changed: true, removed: ['dummy'] })
  expect(await loaded()).not.toContain('dummy')
})

test('a load is checked, done, and then nothing is left to do', async () => {
  const wish = { name: 'dummy', parameters: { numdummies: 2 } }
  const check = await ask('kmod_load', wish, '--check', '--diff')
  expect(check).toMatchObject({ changed: true, loaded: ['dummy'], diff: { after: 'dummy\n' } })
  expect(await loaded()).not.toContain('dummy')
  const done = await ask('kmod_load', wish, '--diff')
  expect(done).toMatchObject({ changed: true, loaded: ['dummy'], report: { module: 'dummy' } })
  expect(await fleet.machines[0]!.ssh('ls /sys/class/net')).toContain('dummy1')
  for (const more of [['--check'], []]) {
    expect(await ask('kmod_load', { name: 'dummy' }, ...more)).toMatchObject({ changed: false })
  }
})

test('a module that is loaded with the parameters that are asked for is unchanged', async () => {
  await fleet.machines[0]!.ssh('modprobe loop max_loop=3')
  for (const more of [['--check'], []]) {
    const same = { name: 'loop', parameters: { max_loop: 3 } }
    expect(await ask('kmod_load', same, ...more)).toMatchObject({ changed: false, loaded: [] })
    const other = { name: 'loop', parameters: { max_loop: 5 } }
    expect(await ask('kmod_load', other, ...more)).toMatchObject({
      failed: true,
      code: 'ERR_KMOD_ALREADY_LOADED',
      differences: [{ name: 'max_loop', wanted: '5', loaded: '3' }],
    })
  }
})

test('a user is named with the command that releases the module', async () => {
  const { ssh } = fleet.machines[0]!
  await ssh('modprobe tun; (sleep 600 3<>/dev/net/tun > /dev/null 2>&1 & echo $! > /run/holder)')
  const pid = (await ssh('cat /run/holder')).trim()
  const busy = await ask('kmod_unload', { name: ['tun'] })
  expect(busy).toMatchObject({ failed: true, changed: false, code: 'ERR_KMOD_IN_USE' })
  expect(busy.users).toMatchObject([{ kind: 'process', pid: Number(pid), module: 'tun' }])
  expect(busy.remedies).toEqual([`kill ${pid}`])
  const waiting = await ask('kmod_unload', { name: ['tun'], wait: '30s' }, '--check')
  expect(waiting).toMatchObject({ changed: true, removed: ['tun'], plan: { feasible: false } })
  expect(waiting.warnings).toEqual([expect.stringContaining('would wait up to 30s')])
  const released = { name: ['tun'], release: ['process'], consent: true }
  expect(await ask('kmod_unload', released)).toMatchObject({
    changed: true,
    removed: ['tun'],
    report: { released: [{ command: ['kill', pid] }] },
  })
})

test('kmod_info reads what the command knows', async () => {
  const general = await ask('kmod_info', {})
  expect(general).toMatchObject({ changed: false, preflight: { canUnload: true } })
  expect((general.loaded as { name: string }[]).map(({ name }) => name)).toEqual(
    (await loaded()).filter((name) => name !== ''),
  )
  const one = { name: ['e1000', 'no_such'], gather: ['status', 'info', 'usage', 'effects'] }
  expect(await ask('kmod_info', one)).toMatchObject({
    changed: false,
    modules: {
      e1000: { status: 'live', info: { name: 'e1000' }, usage: { module: 'e1000' } },
      no_such: { status: 'unknown', info: null, usage: null },
    },
  })
})

test('a machine without the command says how to install it', async () => {
  const result = await ask('kmod_info', { executable: 'no-such-node-kmod' })
  expect(result).toMatchObject({ failed: true })
  expect(result.msg).toContain('npm install --global node-kmod')
})

test('a name that begins with a dash is a name', async () => {
  expect(await ask('kmod_unload', { name: ['--yes'] })).toMatchObject({
    failed: true,
    code: 'ERR_KMOD_NOT_FOUND',
  })
})
