/** What unload() reports to its caller: onStep, effects, timeouts. */
import { Kmod } from '../../lib/kmod'
import type { UnloadEvent } from '../../lib/contract/types'
import { rejection } from '../support/rejection'
import { SimulatedKernel } from '../../lib/testing/simulated-kernel'
import { busyFor } from '../support/simulated-modules'
import { netInterface, openDevice } from '../support/snapshots'

let kernel: SimulatedKernel
let kmod: Kmod
beforeEach(() => {
  kernel = new SimulatedKernel()
  kmod = Kmod.over(kernel)
})

describe('onStep', () => {
  test('each start has an end: done, or kept for a dependency that came into use', async () => {
    for (const when of ['before the look', 'after the look'] as const) {
      kernel
        .add('base')
        .add('mid', { uses: ['base'] })
        .add('top', { uses: ['mid'] })
      kernel.beforeRemoval = (name) => {
        if (name === (when === 'before the look' ? 'top' : 'mid')) {
          kernel.modules.get('mid')!.references = 1
        }
      }
      const events: unknown[] = []
      await kmod.unload('top', { onStep: ({ step, state }) => events.push([step.module, state]) })
      expect(events.slice(0, 4)).toEqual([
        ['top', 'start'],
        ['top', 'done'],
        ['mid', 'start'],
        ['mid', 'kept'],
      ])
      // When the kernel refuses mid, base is still in the plan.
      const ofBase = [
        ['base', 'start'],
        ['base', 'kept'],
      ]
      expect(events.slice(4)).toEqual(when === 'before the look' ? [] : ofBase)
      kernel.beforeRemoval = undefined
      kernel.modules.clear()
    }
  })

  test('a module that something else removes while the call plans again is done', async () => {
    kernel.add('d').add('t', { uses: ['d'] })
    const events: unknown[] = []
    const table = kernel.table.bind(kernel)
    kernel.table = () => {
      if (kernel.removals.length > 0) kernel.modules.delete('d')
      return table()
    }
    kernel.beforeRemoval = () => (kernel.modules.get('d')!.references = 1)
    const { row } = kernel
    kernel.row = async (name) => (await table()).find((one) => one.name === name)
    const report = await kmod.unload('t', {
      onStep: ({ step, state }) => events.push([step.module, state]),
    })
    kernel.row = row
    expect(report).toMatchObject({ removed: ['t'], absent: ['d'] })
    expect(events.slice(2)).toEqual([
      ['d', 'start'],
      ['d', 'done'],
    ])
  })
})

test('the report has the effects of what was removed', async () => {
  kernel.add('dummy').add('other')
  for (const name of ['dummy', 'other']) {
    kernel.snapshotNow.interfaces.push(netInterface(`${name}0`, { modules: [name] }))
  }
  kernel.beforeRemoval = (name) => {
    if (name === 'other') kernel.modules.get('other')!.permanent = true
  }
  const { effects } = await kmod.plan('dummy')
  expect(effects).toMatchObject([{ kind: 'interface', subject: 'dummy0' }])
  const error = await rejection(kmod.unload(['dummy', 'other']))
  expect(error.plan!.effects).toHaveLength(2)
  expect(error.report).toMatchObject({ removed: ['dummy'], effects })
})

test('onStep reports the wait with the step that is waited for, and each start once', async () => {
  kernel.add('base').add('top', { uses: ['base'] })
  busyFor(kernel, 'base', 100)
  kernel.snapshotNow.openDevices.push(openDevice(7, '/dev/base', { modules: ['base'] }))
  const events: unknown[][] = []
  const onStep = ({ step, index, state }: UnloadEvent): void => {
    events.push([step.module, index, state])
  }
  await kmod.unload(['base', 'top'], { wait: 5_000, onStep })
  expect(events).toEqual([
    ['base', 1, 'waiting'],
    ['top', 0, 'start'],
    ['top', 0, 'done'],
    ['base', 1, 'start'],
    ['base', 1, 'done'],
  ])
})

test('a timeout has the users in the error and in its cause', async () => {
  kernel.add('busy', { references: 1 })
  expect(await rejection(kmod.unload('busy', { wait: 50 }))).toMatchObject({
    users: [],
    cause: { code: 'ERR_KMOD_IN_USE', users: [] },
  })
})
