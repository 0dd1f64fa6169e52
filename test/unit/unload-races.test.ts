/** Races between a call and other changes of the system. Each of these failed once. */
import { Kmod } from '../../lib/kmod'
import type { UnloadEvent } from '../../lib/contract/types'
import { rejection } from '../support/rejection'
import { SimulatedKernel } from '../support/simulated-kernel'

let kernel: SimulatedKernel
let kmod: Kmod
beforeEach(() => {
  kernel = new SimulatedKernel()
  kmod = Kmod.over(kernel)
})

const busyFor = (name: string, milliseconds: number): void => {
  kernel.modules.get(name)!.references = 1
  kernel.after(milliseconds, () => (kernel.modules.get(name)!.references = 0))
}

describe('a name is resolved once', () => {
  test('a target that was removed is not looked up as an alias', async () => {
    kernel.addToIndex({ name: 'victim', aliases: ['x'] })
    kernel
      .add('victim')
      .add('d')
      .add('x', { uses: ['d'] })
    kernel.beforeRemoval = (name) => {
      if (name === 'x') kernel.modules.get('d')!.references = 1
    }
    expect(await kmod.unload('x')).toMatchObject({ removed: ['x'] })
    expect(kernel.modules.has('victim')).toBe(true)
  })

  test('a target that this call removed does not violate mustBeLoaded', async () => {
    kernel.addToIndex({ name: 'a' }, { name: 'b' })
    kernel.add('b').add('a')
    kernel.beforeRemoval = (name) => {
      if (name === 'a') busyFor('b', 50)
    }
    const report = await kmod.unload(['a', 'b'], { mustBeLoaded: true, wait: 5_000 })
    expect(report.removed).toEqual(['a', 'b'])
  })

  test('a target that this call removed is not unknown, also if the index never had it', async () => {
    kernel.add('d').add('insmodded', { uses: ['d'] })
    kernel.beforeRemoval = (name) => {
      if (name === 'insmodded') kernel.modules.get('d')!.references = 1
    }
    expect(await kmod.unload('insmodded')).toMatchObject({
      removed: ['insmodded'],
      kept: [{ module: 'd', reason: 'in-use' }],
    })
  })

  test('a target that is removed while the call is in the queue is absent', async () => {
    kernel.add('insmodded', { exitTime: 100 })
    const [, second] = await Promise.all([kmod.unload('insmodded'), kmod.unload('insmodded')])
    expect(second).toMatchObject({ removed: [], absent: ['insmodded'] })
  })
})

test('a failing remove command of a soft dependency runs once', async () => {
  kernel.add('s').add('t')
  kernel.policies.set('t', { softDependencies: { pre: [], post: ['s'] } })
  kernel.policies.set('s', { removeCommand: 'false' })
  let runs = 0
  kernel.commands.set('s', () => ({ exitCode: ++runs, output: '' }))
  const report = await kmod.unload('t', { commands: 'run' })
  expect(runs).toBe(1)
  expect(report).toMatchObject({ removed: ['t'], kept: [{ module: 's', reason: 'command' }] })
})

test('a dependency is not kept if its remove command removed it and then failed', async () => {
  kernel.add('d').add('t', { uses: ['d'] })
  kernel.policies.set('d', { removeCommand: 'halfway' })
  kernel.commands.set('d', () => {
    kernel.modules.delete('d')
    return { exitCode: 1, output: '' }
  })
  expect(await kmod.unload('t', { commands: 'run' })).toMatchObject({
    removed: ['t', 'd'],
    kept: [],
  })
})

describe('the queue', () => {
  test('a call inside a callback does not wait for calls that wait for the outer call', async () => {
    kernel.add('base', { references: 1 })
    const first = kmod.unload('base', {
      wait: 60_000,
      onBlocked: async () => {
        await rejection(kmod.unload('base'))
        kernel.modules.get('base')!.references = 0
      },
    })
    const second = kmod.unload('base')
    expect((await first).removed).toEqual(['base'])
    expect(await second).toMatchObject({ absent: ['base'] })
  })

  test('the signal is heard while a call plans again', async () => {
    kernel.add('slow', { exitTime: 5_000 })
    const first = kmod.unload('slow')
    const controller = new AbortController()
    const table = kernel.table.bind(kernel)
    let calls = 0
    kernel.table = () => {
      if (++calls === 2) controller.abort()
      return table()
    }
    expect(await rejection(kmod.unload('slow', { signal: controller.signal }))).toMatchObject({
      code: 'ERR_KMOD_ABORTED',
    })
    await first
  })

  test('load waits for an unload of the same module', async () => {
    kernel.addToIndex({ name: 'slow' }).add('slow', { exitTime: 500 })
    const [unloaded, loaded] = await Promise.all([kmod.unload('slow'), kmod.load('slow')])
    expect(unloaded.removed).toEqual(['slow'])
    expect(loaded.loaded).toEqual(['slow'])
  })
})

test('a change to the options of one plan changes no other plan', async () => {
  kernel.add('a')
  const plan = await kmod.plan('a')
  ;(plan.options.allow as string[]).push('root-filesystem')
  expect((await kmod.plan('a')).options.allow).toEqual([])
})

describe('restore', () => {
  beforeEach(() => {
    kernel.addToIndex({ name: 'b' }, { name: 'p', parameters: { q: '0' } })
    kernel.add('b').add('p')
  })

  test('does not touch a module that something else has loaded again', async () => {
    kernel.beforeRemoval = (name) => {
      if (name !== 'b') return
      kernel.add('p', { parameters: { q: '7' } })
      kernel.modules.get('b')!.permanent = true
    }
    const { report } = await rejection(kmod.unload(['p', 'b'], { onFailure: 'restore' }))
    expect(report).toMatchObject({
      restored: ['p'],
      reappeared: ['p'],
      notRestored: [],
      parametersLost: [{ module: 'p', name: 'q', before: '0', after: '7' }],
    })
    expect(kernel.modules.get('p')!.parameters).toEqual({ q: '7' })
    expect(kernel.removals).toEqual(['p', 'b'])
  })

  test('gives back the parameters that were set right before the removal', async () => {
    busyFor('p', 500)
    kernel.after(200, () => (kernel.modules.get('p')!.parameters.q = '5'))
    kernel.beforeRemoval = (name) => {
      if (name === 'b') kernel.modules.get('b')!.permanent = true
    }
    const { report } = await rejection(
      kmod.unload(['p', 'b'], { onFailure: 'restore', wait: 5_000 }),
    )
    expect(report).toMatchObject({ restored: ['p'], parametersLost: [] })
    expect(kernel.modules.get('p')!.parameters).toEqual({ q: '5' })
  })
})

describe('a module that is loaded again during the run', () => {
  test('is not removed if it is a soft dependency', async () => {
    kernel.add('s').add('t')
    kernel.policies.set('t', { softDependencies: { pre: ['s'], post: [] } })
    kernel.beforeRemoval = (name) => {
      if (name === 't') kernel.modules.delete('s')
      if (name === 't') kernel.add('s')
    }
    expect(await kmod.unload('t')).toMatchObject({ removed: ['t'], reappeared: ['s'] })
  })

  test('is removed again if it is a holder and there is a wait', async () => {
    kernel.add('t').add('h', { uses: ['t'] })
    let times = 0
    kernel.beforeRemoval = (name) => {
      if (name === 't' && times++ === 0) kernel.add('h', { uses: ['t'] })
    }
    const report = await kmod.unload('t', { holders: 'remove', wait: 5_000 })
    expect(report.removed).toEqual(['h', 't'])
    expect(kernel.removals).toEqual(['h', 't', 'h', 't'])
  })
})

test('a new holder of a dependency is no error', async () => {
  kernel
    .add('d')
    .add('t1', { uses: ['d'] })
    .add('t2')
  kernel.beforeRemoval = (name) => {
    if (name === 't1') kernel.add('stranger', { uses: ['d'] })
  }
  expect(await kmod.unload(['t1', 't2'])).toMatchObject({
    removed: ['t1', 't2'],
    kept: [{ module: 'd', reason: 'held' }],
  })
})

test('onStep reports the wait with the step that is waited for, and each start once', async () => {
  kernel.add('base').add('top', { uses: ['base'] })
  busyFor('base', 100)
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

test('a dependency that is gone at the end is not in `kept`', async () => {
  kernel.add('d', { references: 1 }).add('t', { uses: ['d'] })
  const report = await kmod.unload('t', {
    onStep: ({ state }) => {
      if (state === 'done') kernel.modules.delete('d')
    },
  })
  expect(report).toMatchObject({ removed: ['t'], kept: [] })
})

test('a timeout has the users in the error and in its cause', async () => {
  kernel.add('busy', { references: 1 })
  expect(await rejection(kmod.unload('busy', { wait: 50 }))).toMatchObject({
    users: [],
    cause: { code: 'ERR_KMOD_IN_USE', users: [] },
  })
})
