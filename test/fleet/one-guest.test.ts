/** The modules of the collection on one machine, over ssh: check mode, differences, results, errors. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openController, PYTHON, type Controller, type Result } from './controller'
import { startFleet, type Fleet } from './machines'

jest.setTimeout(300_000)

const CHECK = { check_mode: true }
const kmod = (module: string, options: object): object => ({
  [`node_kmod.kmod.kmod_${module}`]: { executable: '{{ kmod_executable }}', ...options },
  diff: true,
})
const unload = (name: string, options: object = {}) => kmod('unload', { name: [name], ...options })
const load = (name: string, options: object = {}) => kmod('load', { name, ...options })
const shell = (command: string): object => ({ 'ansible.builtin.raw': command })
const HOLD_TUN = 'sleep 600 3<>/dev/net/tun > /dev/null 2>&1 & echo $!'

/** What is done, in this order, in one play: to start Ansible takes longer than most of it. */
const TASKS = {
  bridgeChecked: { ...unload('br_netfilter'), ...CHECK },
  rowsAfterCheck: shell('cat /proc/modules'),
  bridge: unload('br-netfilter'),
  bridgeAgain: unload('br-netfilter'),
  card: unload('e1000', { consent: true }),
  rowsAfterCard: shell('cat /proc/modules; ip link add dummy0 type dummy'),
  withoutConsentChecked: { ...unload('dummy'), ...CHECK },
  withoutConsent: unload('dummy'),
  withConsent: unload('dummy', { consent: true }),
  loadChecked: { ...load('dummy', { parameters: { numdummies: 2 } }), ...CHECK },
  rowsBeforeLoad: shell('cat /proc/modules'),
  load: load('dummy', { parameters: { numdummies: 2 } }),
  interfaces: shell('ls /sys/class/net; modprobe loop max_loop=3'),
  loadAgain: load('dummy'),
  sameParameter: load('loop', { parameters: { max_loop: 3 } }),
  otherParameter: load('loop', { parameters: { max_loop: 5 } }),
  otherParameterChecked: { ...load('loop', { parameters: { max_loop: 5 } }), ...CHECK },
  holder: shell(`modprobe tun; ${HOLD_TUN}`),
  busy: unload('tun'),
  busyChecked: { ...unload('tun', { wait: '30s' }), ...CHECK },
  released: unload('tun', { release: ['process'], consent: true }),
  rowsAtEnd: shell('cat /proc/modules'),
  info: kmod('info', {}),
  infoOfTwo: kmod('info', { name: ['e1000', 'no_such'], gather: ['status', 'usage'] }),
  withoutCommand: kmod('info', { executable: 'no-such-node-kmod' }),
  dash: unload('--yes'),
}

let controller: Controller
let fleet: Fleet
let results: Record<keyof typeof TASKS, Result>
let printed: string
beforeAll(async () => {
  controller = await openController()
  fleet = await startFleet(controller, { guest: 'modprobe dummy; modprobe br_netfilter' })
  const names = Object.keys(TASKS)
  const file = join(controller.folder, 'results.json')
  const tasks = [
    ...Object.entries(TASKS).map(([register, task]) => ({
      register,
      ignore_errors: true,
      ...task,
    })),
    {
      'ansible.builtin.copy': {
        content: `{{ {${names.map((name) => `"${name}": ${name}`).join(', ')}} | to_json }}`,
        dest: file,
      },
      delegate_to: 'localhost',
      vars: { ansible_connection: 'local', ansible_python_interpreter: PYTHON },
    },
  ]
  const play = join(controller.folder, 'play.yml')
  writeFileSync(play, JSON.stringify([{ hosts: 'all', gather_facts: false, tasks }]))
  const end = await controller.run('ansible-playbook', ['-i', fleet.inventory, play])
  printed = end.stdout + end.stderr
  if (end.code !== 0) throw new Error(printed)
  results = JSON.parse(readFileSync(file, 'utf8')) as typeof results
})
afterAll(async () => {
  await (fleet as Fleet | undefined)?.stop()
  ;(controller as Controller | undefined)?.close()
})

const lines = (task: keyof typeof TASKS): string[] => results[task].stdout_lines as string[]
const modules = (task: keyof typeof TASKS) => lines(task).map((row) => row.split(' ', 1)[0]!)
const BRIDGE = ['br_netfilter', 'bridge', 'stp', 'llc']
const BRIDGE_GOES = { before: 'br_netfilter\nbridge\nllc\nstp\n', after: '' }

test('check mode is the plan, and changes nothing', () => {
  expect(results.bridgeChecked).toMatchObject({
    changed: true,
    removed: BRIDGE,
    absent: [],
    blockers: [],
    plan: { targets: ['br_netfilter'], feasible: true },
    diff: BRIDGE_GOES,
  })
  expect(modules('rowsAfterCheck')).toEqual(expect.arrayContaining(BRIDGE))
})

test('an unload changes what the plan said, and the second one nothing', () => {
  expect(results.bridge).toMatchObject({
    changed: true,
    removed: BRIDGE,
    report: { removed: BRIDGE, clean: true },
    diff: BRIDGE_GOES,
  })
  expect(modules('rowsAfterCard').filter((name) => BRIDGE.includes(name))).toEqual([])
  expect(results.bridgeAgain).toMatchObject({
    changed: false,
    removed: [],
    absent: ['br_netfilter'],
    diff: { before: '', after: '' },
  })
})

test('the driver of the card that carries the ssh session stays', () => {
  expect(results.card).toMatchObject({ failed: true, changed: false, code: 'ERR_KMOD_CRITICAL' })
  expect(results.card.remedies).toContain('allow: ["default-route:eth0"]')
  expect(results.card.msg).toContain('eth0')
  expect(modules('rowsAfterCard')).toContain('e1000')
})

test('what stops working needs consent, in check mode too', () => {
  for (const refused of [results.withoutConsentChecked, results.withoutConsent]) {
    expect(refused).toMatchObject({ failed: true, changed: false, code: null })
    expect(refused.msg).toContain('consent: true')
    expect(refused.effects).toMatchObject([{ kind: 'interface', subject: 'dummy0' }])
  }
  expect(results.withConsent).toMatchObject({ changed: true, removed: ['dummy'] })
})

test('a load is checked, done, and then nothing is left to do', () => {
  const change = { changed: true, loaded: ['dummy'], diff: { before: '', after: 'dummy\n' } }
  expect(results.loadChecked).toMatchObject(change)
  expect(modules('rowsBeforeLoad')).not.toContain('dummy')
  expect(results.load).toMatchObject({ ...change, report: { module: 'dummy' } })
  expect(lines('interfaces')).toEqual(expect.arrayContaining(['dummy0', 'dummy1']))
  expect(results.loadAgain).toMatchObject({ changed: false, loaded: [] })
})

test('a loaded module with the parameters that are asked for is unchanged', () => {
  expect(results.sameParameter).toMatchObject({ changed: false, loaded: [] })
  for (const other of [results.otherParameter, results.otherParameterChecked]) {
    expect(other).toMatchObject({
      failed: true,
      code: 'ERR_KMOD_ALREADY_LOADED',
      differences: [{ name: 'max_loop', wanted: '5', loaded: '3' }],
    })
  }
})

test('a user is named with the command that releases the module', () => {
  const pid = lines('holder')[0]!
  expect(results.busy).toMatchObject({ failed: true, changed: false, code: 'ERR_KMOD_IN_USE' })
  expect(results.busy.users).toMatchObject([{ kind: 'process', pid: Number(pid), module: 'tun' }])
  expect(results.busy.remedies).toEqual([`kill ${pid}`])
  expect(results.busyChecked).toMatchObject({ changed: true, removed: ['tun'] })
  expect(results.busyChecked.plan).toMatchObject({ feasible: false })
  expect(printed.replace(/\s+/g, ' ')).toContain('The run would wait up to 30s')
  expect(results.released).toMatchObject({
    changed: true,
    removed: ['tun'],
    report: { released: [{ command: ['kill', pid] }] },
  })
  expect(modules('rowsAtEnd')).not.toContain('tun')
})

test('kmod_info reads what the command knows', () => {
  expect(results.info).toMatchObject({ changed: false, preflight: { canUnload: true } })
  const loaded = results.info.loaded as { name: string }[]
  expect(loaded.map(({ name }) => name)).toEqual(modules('rowsAtEnd'))
  expect(results.infoOfTwo).toMatchObject({
    changed: false,
    modules: {
      e1000: { status: 'live', usage: { module: 'e1000' } },
      no_such: { status: 'unknown', usage: null },
    },
  })
})

test('a machine without the command says how to install it', () => {
  expect(results.withoutCommand).toMatchObject({ failed: true })
  expect(results.withoutCommand.msg).toContain('npm install --global node-kmod')
})

test('a name that begins with a dash is a name', () => {
  expect(results.dash).toMatchObject({ failed: true, code: 'ERR_KMOD_NOT_FOUND' })
})
