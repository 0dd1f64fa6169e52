/** Unloads on one machine, over ssh: check mode, differences, the guard, consent. */
import { openController, type Controller, type Result } from './controller'
import { startFleet, type Fleet } from './machines'
import { CHECK, modulesOf, play, shell, unload } from './play'

jest.setTimeout(600_000)

const BRIDGE = ['br_netfilter', 'bridge', 'stp', 'llc']
const BRIDGE_GOES = { before: 'br_netfilter\nbridge\nllc\nstp\n', after: '' }

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
}

let controller: Controller
let fleet: Fleet
let results: Record<keyof typeof TASKS, Result>
beforeAll(async () => {
  controller = await openController()
  fleet = await startFleet(controller, { guest: 'modprobe dummy; modprobe br_netfilter' })
  ;({ results } = await play(controller, fleet, TASKS))
})
afterAll(async () => {
  await (fleet as Fleet | undefined)?.stop()
  ;(controller as Controller | undefined)?.close()
})

test('check mode is the plan, and changes nothing', () => {
  expect(results.bridgeChecked).toMatchObject({
    changed: true,
    removed: BRIDGE,
    absent: [],
    blockers: [],
    plan: { targets: ['br_netfilter'], feasible: true },
    diff: BRIDGE_GOES,
  })
  expect(modulesOf(results.rowsAfterCheck)).toEqual(expect.arrayContaining(BRIDGE))
})

test('an unload changes what the plan said, and the second one nothing', () => {
  expect(results.bridge).toMatchObject({
    changed: true,
    removed: BRIDGE,
    report: { removed: BRIDGE, clean: true },
    diff: BRIDGE_GOES,
  })
  expect(modulesOf(results.rowsAfterCard).filter((name) => BRIDGE.includes(name))).toEqual([])
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
  expect(modulesOf(results.rowsAfterCard)).toContain('e1000')
})

test('what stops working needs consent, in check mode too', () => {
  for (const refused of [results.withoutConsentChecked, results.withoutConsent]) {
    expect(refused).toMatchObject({ failed: true, changed: false, code: null })
    expect(refused.msg).toContain('consent: true')
    expect(refused.effects).toMatchObject([{ kind: 'interface', subject: 'dummy0' }])
  }
  expect(results.withConsent).toMatchObject({ changed: true, removed: ['dummy'] })
})
