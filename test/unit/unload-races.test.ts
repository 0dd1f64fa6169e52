/** Races between a call and other changes of the system. Each of these failed once. */
import { Kmod } from '../../lib/kmod'
import type { UnloadEvent, UnloadOptions } from '../../lib/contract/types'
import { rejection } from '../support/rejection'
import { SimulatedKernel } from '../support/simulated-kernel'
import { netInterface, openDevice } from '../support/snapshots'

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
    const second = rejection(kmod.unload('base'))
    expect((await first).removed).toEqual(['base'])
    // It does not wait for a call that waits.
    expect((await second).code).toBe('ERR_KMOD_IN_USE')
  })

  test('the signal takes effect while a call plans again', async () => {
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

describe('calls that wait', () => {
  const never = (): Promise<never> => new Promise(() => undefined)
  /** By its type, onStep returns nothing; a program can still return a promise. */
  type OnStep = NonNullable<UnloadOptions['onStep']>

  test('are not waited for by a call without wait, which says what blocks', async () => {
    kernel.add('busy', { references: 1 })
    const first = rejection(kmod.unload('busy', { wait: 60_000 }))
    expect(await rejection(kmod.unload('busy'))).toMatchObject({ code: 'ERR_KMOD_IN_USE' })
    expect(kernel.clock.now()).toBeLessThan(1_000)
    expect(await first).toMatchObject({ code: 'ERR_KMOD_TIMEOUT' })
  })

  test('are not waited for by load', async () => {
    kernel
      .addToIndex({ name: 'busy' }, { name: 'new', uses: ['busy'] })
      .add('busy', { references: 1 })
    const first = rejection(kmod.unload('busy', { wait: 60_000 }))
    expect(await kmod.load('new')).toMatchObject({ loaded: ['new'] })
    expect(kernel.clock.now()).toBeLessThan(1_000)
    // The new holder ends the first one.
    expect(await first).toMatchObject({ code: 'ERR_KMOD_HELD' })
  })

  test('take their turn again: each module is removed once', async () => {
    kernel.add('busy', { references: 1, exitTime: 500 })
    kernel.after(1_000, () => (kernel.modules.get('busy')!.references = 0))
    const reports = await Promise.all(
      Array.from({ length: 5 }, () => kmod.unload('busy', { wait: 60_000 })),
    )
    expect(kernel.removals).toEqual(['busy'])
    expect(reports.map(({ removed }) => removed.length).sort()).toEqual([0, 0, 0, 0, 1])
  })

  test('wait for the running step of another call', async () => {
    kernel.add('slow', { exitTime: 5_000 })
    const first = kmod.unload('slow')
    expect(await kmod.unload('slow')).toMatchObject({ absent: ['slow'] })
    expect(kernel.clock.now()).toBeGreaterThanOrEqual(5_000)
    await first
  })

  test('a stuck step is waited for as long as its hungAfter', async () => {
    kernel.add('stuck', { exitTime: Infinity })
    const first = rejection(kmod.unload('stuck', { hungAfter: 2_000 }))
    expect(await rejection(kmod.unload('stuck'))).toMatchObject({
      code: 'ERR_KMOD_TRANSIENT',
      pid: 4242,
    })
    expect(kernel.clock.now()).toBe(2_000)
    expect(await first).toMatchObject({ code: 'ERR_KMOD_HUNG' })
  })

  test('two whose callbacks each ask for the module of the other', async () => {
    kernel.add('a', { references: 1 }).add('b', { references: 1 })
    const asked: string[] = []
    const free = (name: string): void => void (kernel.modules.get(name)!.references = 0)
    const [one, two] = await Promise.all([
      kmod.unload('a', {
        wait: 60_000,
        onBlocked: async () => {
          asked.push((await rejection(kmod.unload('b'))).code)
          free('a')
        },
      }),
      kmod.unload('b', {
        wait: 60_000,
        onBlocked: async () => {
          await kmod.unload('a', { wait: 100 }).catch(() => undefined)
          asked.push('a')
          free('b')
        },
      }),
    ])
    expect([one.removed, two.removed]).toEqual([['a'], ['b']])
    expect(asked.sort()).toEqual(['ERR_KMOD_IN_USE', 'a'])
  })

  test('two whose callbacks wait for the module of the other end at the deadline', async () => {
    kernel.add('a', { references: 1 }).add('b', { references: 1 })
    const inner: Promise<unknown>[] = []
    const unload = (name: string, other: string) =>
      rejection(
        kmod.unload(name, {
          wait: 1_000,
          onBlocked: async () => {
            const call = kmod.unload(other, { wait: 5_000 }).catch(() => undefined)
            inner.push(call)
            await call
          },
        }),
      )
    const errors = await Promise.all([unload('a', 'b'), unload('b', 'a')])
    expect(errors.map(({ code }) => code)).toEqual(['ERR_KMOD_TIMEOUT', 'ERR_KMOD_TIMEOUT'])
    expect(kernel.clock.now()).toBeLessThan(5_000)
    await Promise.all(inner)
  })

  test('a callback of onBlocked that never settles ends at the deadline', async () => {
    kernel.add('busy', { references: 1 })
    const error = await rejection(kmod.unload('busy', { wait: 500, onBlocked: never }))
    expect(error).toMatchObject({
      code: 'ERR_KMOD_TIMEOUT',
      blocker: { code: 'ERR_KMOD_IN_USE', module: 'busy' },
      report: { removed: [] },
    })
    expect(kernel.clock.now()).toBe(500)
    // The call has left the queue: the next call has its turn.
    kernel.modules.get('busy')!.references = 0
    expect((await kmod.unload('busy')).removed).toEqual(['busy'])
  })

  test('a callback that never settles ends with the signal', async () => {
    for (const callback of ['onStep', 'onBlocked'] as const) {
      kernel.add('busy', { references: 1 })
      const controller = new AbortController()
      kernel.after(300, () => controller.abort(new Error('enough')))
      const error = await rejection(
        kmod.unload('busy', { wait: Infinity, signal: controller.signal, [callback]: never }),
      )
      expect(error).toMatchObject({ code: 'ERR_KMOD_ABORTED', cause: { message: 'enough' } })
    }
  })

  test('a callback of onStep that never settles ends at the deadline, and delays no other call', async () => {
    kernel.add('idle')
    const first = rejection(kmod.unload('idle', { wait: 500, onStep: never as unknown as OnStep }))
    expect((await kmod.unload('idle')).removed).toEqual(['idle'])
    expect(await first).toMatchObject({ code: 'ERR_KMOD_TIMEOUT', module: 'idle', users: [] })
    expect(kernel.clock.now()).toBe(500)
  })

  test('a callback of onStep that waits for another call continues after it', async () => {
    kernel.add('a').add('b')
    const onStep = ({ step, state }: UnloadEvent): unknown =>
      step.module === 'a' && state === 'start' ? kmod.unload('b') : undefined
    const report = await kmod.unload(['a', 'b'], { onStep })
    expect(report).toMatchObject({ removed: ['a'], absent: ['b'] })
  })

  test('a callback that rejects after it was abandoned is no unhandled rejection', async () => {
    kernel.add('busy', { references: 1 })
    const late = async (): Promise<void> => {
      await kernel.clock.sleep(1_000)
      throw new Error('too late')
    }
    await rejection(kmod.unload('busy', { wait: 500, onBlocked: late }))
    await kernel.clock.sleep(2_000)
  })
})

describe('the end of a run', () => {
  /** Two modules that share one that they use, as vfat and msdos share fat. */
  const addShared = (): void => {
    kernel
      .add('fat')
      .add('vfat', { uses: ['fat'] })
      .add('msdos', { uses: ['fat'] })
  }

  test('two calls that share a dependency remove it', async () => {
    for (const exitTime of [0, 100]) {
      addShared()
      kernel.modules.get('msdos')!.exitTime = exitTime
      const reports = await Promise.all([kmod.unload('vfat'), kmod.unload('msdos')])
      expect(reports.flatMap(({ removed }) => removed).sort()).toEqual(['fat', 'msdos', 'vfat'])
      expect(reports.flatMap(({ kept }) => kept).length).toBeLessThan(2)
      expect(kernel.modules.size).toBe(0)
    }
    expect(kernel.removals.filter((name) => name === 'fat')).toHaveLength(2)
  })

  test('a call and another process', async () => {
    addShared()
    kernel.add('nls', {}).modules.get('fat')!.uses.push('nls')
    kernel.beforeRemoval = (name) => {
      if (name === 'vfat') kernel.modules.delete('msdos')
    }
    const events: unknown[] = []
    const report = await kmod.unload('vfat', {
      onStep: ({ step, state, index }) => events.push([step.module, state, index]),
    })
    expect(report).toMatchObject({ removed: ['vfat', 'fat', 'nls'], kept: [] })
    expect(report.steps.map(({ step }) => [step.module, step.reason])).toEqual([
      ['vfat', 'target'],
      ['fat', 'dependency'],
      ['nls', 'dependency'],
    ])
    expect(events.slice(2)).toEqual([
      ['fat', 'start', 1],
      ['fat', 'done', 1],
      ['nls', 'start', 2],
      ['nls', 'done', 2],
    ])
  })

  test('a dependency that was in use, and is not in use any more', async () => {
    kernel.add('d', { references: 1 }).add('t', { uses: ['d'] })
    kernel.beforeRemoval = () => (kernel.modules.get('d') ?? { references: 0 }).references--
    expect(await kmod.unload('t')).toMatchObject({ removed: ['t', 'd'], kept: [] })
  })

  test('a dependency that is configured to be loaded by then, or is still used, is kept', async () => {
    addShared()
    kernel.beforeRemoval = (name) => {
      if (name !== 'vfat') return
      kernel.modules.delete('msdos')
      kernel.policies.set('fat', { configured: true })
    }
    expect(await kmod.unload('vfat')).toMatchObject({
      removed: ['vfat'],
      kept: [{ module: 'fat', reason: 'configured' }],
    })
    expect(kernel.removals).toEqual(['vfat'])
  })

  test('a dependency that is busy again each time ends the call', async () => {
    kernel.add('d', { references: 1 }).add('t', { uses: ['d'] })
    kernel.beforeRemoval = (name) => (kernel.modules.get('d')!.references = name === 'd' ? 1 : 0)
    expect(await kmod.unload('t')).toMatchObject({
      removed: ['t'],
      kept: [{ module: 'd', reason: 'in-use' }],
    })
    expect(kernel.removals).toEqual(['t', 'd'])
  })

  test('a dependency that could not be restored is kept', async () => {
    addShared()
    kernel.addToIndex({ name: 'vfat', uses: ['fat'] })
    kernel.beforeRemoval = (name) => {
      if (name === 'vfat') kernel.modules.delete('msdos')
    }
    expect(await kmod.unload('vfat', { onFailure: 'restore' })).toMatchObject({
      removed: ['vfat'],
      kept: [{ module: 'fat', reason: 'held' }],
    })
  })

  test('a call with a given plan removes nothing that the plan does not name', async () => {
    addShared()
    const plan = await kmod.plan('vfat')
    kernel.beforeRemoval = (name) => {
      if (name === 'vfat') kernel.modules.delete('msdos')
    }
    expect(await kmod.unload(plan)).toMatchObject({
      removed: ['vfat'],
      kept: [{ module: 'fat', reason: 'held' }],
    })
  })

  test('a new holder is not removed for a given plan, also with wait', async () => {
    kernel
      .add('base')
      .add('mid', { uses: ['base'] })
      .add('top', { uses: ['mid'] })
    const options = { holders: 'remove', wait: 1_000 } as const
    const plan = await kmod.plan('base', options)
    kernel.beforeRemoval = (name) => {
      if (name === 'top') kernel.add('late', { uses: ['base'] })
    }
    expect(await rejection(kmod.unload(plan, options))).toMatchObject({
      code: 'ERR_KMOD_HELD',
      holders: ['late'],
      report: { removed: ['top', 'mid'] },
    })
    expect(kernel.modules.has('late')).toBe(true)
  })

  test('a dependency that was loaded again is not removed again', async () => {
    kernel
      .add('held')
      .add('d')
      .add('t', { uses: ['d', 'held'] })
      .add('x', { uses: ['held'] })
    let came = false
    kernel.beforeRemoval = (name) => {
      if (name === 't') kernel.modules.delete('x')
      if (name !== 'held' || came) return
      came = true
      kernel.add('d')
    }
    const report = await kmod.unload('t')
    expect(report).toMatchObject({ removed: ['t', 'd', 'held'], reappeared: ['d'] })
    expect(kernel.modules.has('d')).toBe(true)
  })
})

describe('undecided references that are not those of the holders', () => {
  beforeEach(() => {
    kernel
      .add('configfs', { references: 1 })
      .add('dlm', { uses: ['configfs'], takes: { configfs: 1 } })
  })

  test('a target is in use, and the report has what was removed', async () => {
    const plan = await kmod.plan(['dlm', 'configfs'])
    const error = await rejection(kmod.unload(['dlm', 'configfs']))
    expect(error).toMatchObject({
      code: 'ERR_KMOD_IN_USE',
      module: 'configfs',
      references: 1,
      users: [],
      report: { removed: ['dlm'], failed: { step: { module: 'configfs' } } },
    })
    // The plan at the start of the run, not the remaining steps.
    expect(error.plan).toEqual(plan)
  })

  test('a target is waited for', async () => {
    kernel.after(700, () => (kernel.modules.get('configfs')!.references = 0))
    const report = await kmod.unload(['dlm', 'configfs'], { wait: 5_000 })
    expect(report.removed).toEqual(['dlm', 'configfs'])
    expect(kernel.clock.now()).toBeGreaterThanOrEqual(700)
  })

  test('a dependency is kept, and onStep is called for the end of its step', async () => {
    const events: unknown[] = []
    const report = await kmod.unload('dlm', {
      onStep: ({ step, state, index, total }) => events.push([step.module, state, index, total]),
    })
    expect(report).toMatchObject({
      removed: ['dlm'],
      kept: [{ module: 'configfs', reason: 'in-use' }],
    })
    expect(events).toEqual([
      ['dlm', 'start', 0, 2],
      ['dlm', 'done', 0, 2],
      ['configfs', 'start', 1, 2],
      ['configfs', 'kept', 1, 1],
    ])
  })
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

test('a dependency that is removed by the end is not in `kept`', async () => {
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
