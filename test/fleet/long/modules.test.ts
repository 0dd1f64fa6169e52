/** More of the modules on one machine: loads, parameters, users, information, errors. */
import { openController, type Controller, type Result } from '../controller'
import { startFleet, type Fleet } from '../machines'
import { CHECK, kmod, linesOf, load, modulesOf, play, shell, unload } from '../play'

jest.setTimeout(600_000)

// Without a terminal, whose end would end it.
const HOLD_TUN = 'setsid sleep 600 3<>/dev/net/tun < /dev/null > /dev/null 2>&1 & echo $!'

/** What is done, in this order, in one play: to start Ansible takes longer than most of it. */
const TASKS = {
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
  fleet = await startFleet(controller, { guest: ':' })
  ;({ results, printed } = await play(controller, fleet, TASKS))
})
afterAll(async () => {
  await (fleet as Fleet | undefined)?.stop()
  ;(controller as Controller | undefined)?.close()
})

test('a load is checked, done, and then nothing is left to do', () => {
  const change = { changed: true, loaded: ['dummy'], diff: { before: '', after: 'dummy\n' } }
  expect(results.loadChecked).toMatchObject(change)
  expect(modulesOf(results.rowsBeforeLoad)).not.toContain('dummy')
  expect(results.load).toMatchObject({ ...change, report: { module: 'dummy' } })
  expect(linesOf(results.interfaces)).toEqual(expect.arrayContaining(['dummy0', 'dummy1']))
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
  const pid = linesOf(results.holder)[0]!
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
  expect(modulesOf(results.rowsAtEnd)).not.toContain('tun')
})

test('kmod_info reads what the command knows', () => {
  expect(results.info).toMatchObject({ changed: false, preflight: { canUnload: true } })
  const loaded = results.info.loaded as { name: string }[]
  expect(loaded.map(({ name }) => name)).toEqual(modulesOf(results.rowsAtEnd))
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
