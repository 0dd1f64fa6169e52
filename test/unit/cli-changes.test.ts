/** What the verbs of the command line do and print, on a simulated kernel. */
import { PassThrough } from 'node:stream'
import { statusOf } from '../../lib/cli/exit-status'
import { parse } from '../../lib/cli/program'
import { Screen } from '../../lib/cli/screen'
import { errorText } from '../../lib/cli/text/error'
import type { Answer } from '../../lib/cli/verb'
import { Kmod } from '../../lib/kmod'
import { SimulatedKernel } from '../../lib/testing/simulated-kernel'
import { addChain } from '../support/simulated-modules'
import { netInterface, openDevice, snapshot } from '../support/snapshots'

let kernel: SimulatedKernel
let kmod: Kmod
beforeEach(() => {
  kernel = new SimulatedKernel()
  kmod = Kmod.over(kernel)
})

interface Printed {
  status: number
  value: unknown
  out: string
  err: string
}

/** Runs a command line without a terminal. */
async function run(...args: string[]): Promise<Printed> {
  const { err, ...printed } = await runOn(args, new AbortController().signal)
  return { ...printed, err: err() }
}

async function runOn(args: string[], signal: AbortSignal) {
  let text = ''
  const stream = new PassThrough().on('data', (chunk: Buffer) => (text += chunk.toString()))
  const screen = new Screen(Object.assign(stream, { isTTY: false }) as never)
  const { verb, ...request } = parse(args, { out: () => undefined, err: () => undefined })
  const json = request.options.json === true
  const call = { ...request, kmod, json, signal, out: screen, err: screen }
  try {
    const answer = await (verb.run(call) as Promise<Answer>)
    return {
      ...{ status: answer.status ?? 0, value: answer.value },
      out: answer.text(),
      err: () => text + (answer.note ?? ''),
    }
  } catch (error) {
    return {
      ...{ status: statusOf(error), value: error, out: '' },
      err: () => text + errorText(screen, error, null),
    }
  }
}

test('unload prints each step, and which modules it removed', async () => {
  addChain(kernel)
  const { status, out, err, value } = await run('unload', 'top')
  expect({ status, value }).toMatchObject({ status: 0, value: { removed: ['top', 'mid', 'base'] } })
  expect(out).toMatch(/^Removed top, mid, base in \d+ ms\.$/)
  expect(err).toMatch(/^1\/3 {2}removed top .*\n2\/3 {2}removed mid .*\n3\/3 {2}removed base .*\n$/)
})

test('with --json, nothing but the answer is printed', async () => {
  addChain(kernel)
  expect(await run('unload', 'top', '--json')).toMatchObject({ status: 0, err: '' })
})

test('the advice about a blocker is that of the command line', async () => {
  addChain(kernel)
  const { status, err } = await run('unload', 'mid')
  expect(status).toBe(75)
  expect(err).toBe(
    'node-kmod: Module mid is used by the module top. Unload that one first, or all together with --holders remove.',
  )
  expect((await run('unload', 'mid', '--holders', 'remove')).status).toBe(0)
})

test.each([
  ['permanent', 6, { permanent: true }],
  ['in use', 75, { references: 1 }],
  ['being loaded', 75, { state: 'loading' as const }],
])('a module that is %s: status %i', async (_, status, properties) => {
  kernel.add('tun', properties)
  expect((await run('unload', 'tun')).status).toBe(status)
  expect((await run('plan', 'tun')).status).toBe(status)
  expect(kernel.modules.has('tun')).toBe(true)
})

test('a module that hangs in its exit function: status 70', async () => {
  kernel.add('tun', { exitTime: Infinity })
  expect((await run('unload', 'tun', '--hung-after', '1s')).status).toBe(70)
})

test('--wait: the blocker is printed once', async () => {
  kernel
    .add('tun', { references: 1 })
    .after(2_000, () => (kernel.modules.get('tun')!.references = 0))
  const { status, err } = await run('unload', 'tun', '--wait', '10s')
  expect(status).toBe(0)
  expect(err.match(/waiting for tun, \d+ s left/g)).toHaveLength(1)
  expect((await run('unload', 'tun', '--must-be-loaded')).status).toBe(6)
})

test('--wait-for held waits for a holder', async () => {
  addChain(kernel)
  kernel.after(2_000, () => kernel.modules.delete('top'))
  expect((await run('unload', 'mid', '--wait', '10s')).status).toBe(75)
  expect((await run('unload', 'mid', '--wait', '10s', '--wait-for', 'held')).status).toBe(0)
})

test('a plan that was not shown is computed again if it changes before it runs', async () => {
  addChain(kernel)
  const plan = kmod.plan.bind(kmod)
  let plans = 0
  jest.spyOn(kmod, 'plan').mockImplementation(async (...args) => {
    const planned = await plan(...args)
    if (++plans === 1) kernel.add('other', { uses: ['mid'] })
    return planned
  })
  const { status, value } = await run('unload', 'top')
  expect({ status, value, plans }).toMatchObject({
    status: 0,
    value: { removed: ['top'] },
    plans: 2,
  })
})

test('a plan that changes each time before it runs is an error, with what differs', async () => {
  addChain(kernel)
  const plan = kmod.plan.bind(kmod)
  let plans = 0
  jest.spyOn(kmod, 'plan').mockImplementation(async (...args) => {
    const planned = await plan(...args)
    if (++plans % 2 === 1) kernel.add('other', { uses: ['mid'] })
    else kernel.drop('other')
    return planned
  })
  const { status, err } = await run('unload', 'top')
  expect(status).toBe(75)
  expect(err).toBe(
    'node-kmod: The plan has changed since it was shown. Nothing was changed. ' +
      'No longer a step: remove module mid (dependency). ' +
      'No longer a step: remove module base (dependency). ' +
      'Run the command again to see the new plan.',
  )
  expect(kernel.removals).toEqual([])
})

describe('something would stop working', () => {
  beforeEach(() => {
    kernel.add('tun')
    kernel.snapshotNow = snapshot({ interfaces: [netInterface('tun0', { modules: ['tun'] })] })
  })

  test.each(['unload', 'remove', 'reload'])(
    '%s prints the plan, and changes nothing',
    async (verb) => {
      kernel.addToIndex({ name: 'tun' })
      const { status, value, out, err } = await run(verb, 'tun')
      expect(status).toBe(2)
      expect(value).toMatchObject({
        steps: [{ action: 'remove', module: 'tun' }],
        effects: [{ kind: 'interface', subject: 'tun0' }],
      })
      expect(out).toContain('disruptive  interface')
      expect(err).toContain('--yes')
      expect(kernel.removals).toEqual([])
      expect((await run(verb, 'tun', '--yes')).status).toBe(0)
      expect(kernel.removals).toEqual(['tun'])
    },
  )

  test('also with the guard off, where the plan itself has no effects', async () => {
    const { status, value } = await run('unload', 'tun', '--guard', 'off')
    expect({ status, value }).toMatchObject({
      status: 2,
      value: { effects: [{ subject: 'tun0' }] },
    })
  })

  test('a change that cannot begin asks nothing, and says why', async () => {
    expect((await run('unload', 'tun', '--guard', 'strict')).status).toBe(5)
    kernel.factsNow = { ...kernel.factsNow, capability: false }
    expect((await run('unload', 'tun')).status).toBe(77)
  })

  test('--dry-run is plan', async () => {
    const [dry, plan] = [await run('unload', 'tun', '--dry-run'), await run('plan', 'tun')]
    expect(dry).toEqual(plan)
    expect(dry.status).toBe(0)
  })
})

test('a release of a user needs consent, also if nothing else would stop working', async () => {
  kernel.add('tun', { references: 1 })
  kernel.snapshotNow = snapshot({ openDevices: [openDevice(500, '/dev/x', { modules: ['tun'] })] })
  kernel.programs.set('kill 500', () => {
    kernel.snapshotNow = snapshot()
    kernel.modules.get('tun')!.references = 0
    return 0
  })
  const command = ['unload', 'tun', '--release', 'process']
  const { status, value, out } = await run(...command)
  expect({ status, value }).toMatchObject({ status: 2, value: { effects: [], feasible: true } })
  expect(out).toContain('1  kill 500  releases tun: process 500 (someone), /dev/x\n  2  tun')
  expect(kernel.ran).toEqual([])
  const done = await run(...command, '--yes')
  expect(done.status).toBe(0)
  expect(done.err).toMatch(/^1\/2 {2}ran kill 500 .*\n2\/2 {2}removed tun /)
  expect(done.out).toContain('Released: kill 500.')
})

function addDummyToIndex(): void {
  const fields = [{ key: 'parm', value: 'numdummies:how many (int)' }]
  kernel.addToIndex({ name: 'dummy', parameters: { numdummies: '1' }, fields })
}

test('reload: what was unloaded is loaded again, with the parameters of the command line', async () => {
  addDummyToIndex()
  kernel.add('dummy')
  const { status, out, value } = await run('reload', 'dummy', 'numdummies=2')
  expect({ status, value }).toMatchObject({ status: 0, value: { loaded: ['dummy'] } })
  expect(out).toMatch(/^Removed dummy in .*\nLoaded dummy\.$/)
  expect(kernel.modules.get('dummy')!.parameters).toEqual({ numdummies: '2' })
})

test('load: parameters stand after the name; anything else is wrong usage', async () => {
  addDummyToIndex()
  expect((await run('load', 'dummy', 'numdummies')).status).toBe(2)
  expect(await run('load', 'dummy', 'numdummies=2')).toMatchObject({
    status: 0,
    out: 'Loaded dummy.',
  })
  expect(kernel.modules.get('dummy')!.parameters).toEqual({ numdummies: '2' })
  expect(await run('load', 'dummy')).toMatchObject({ out: 'dummy was loaded already.' })
})
