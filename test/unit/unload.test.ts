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

/** top -> mid -> base, known to the index. */
function addChain(): void {
  kernel.addToIndex(
    { name: 'base' },
    { name: 'mid', uses: ['base'] },
    { name: 'top', uses: ['mid'] },
  )
  kernel
    .add('base')
    .add('mid', { uses: ['base'] })
    .add('top', { uses: ['mid'] })
}

const loaded = (): string[] => [...kernel.modules.keys()]

test('the plan is carried out, and the report says so', async () => {
  addChain()
  const report = await kmod.unload('top')
  expect(report).toMatchObject({
    removed: ['top', 'mid', 'base'],
    absent: [],
    kept: [],
    reappeared: [],
    failed: null,
    restored: [],
    notRestored: [],
    parametersLost: [],
    newTaints: [],
    messages: [],
    clean: true,
  })
  expect(report.steps.map(({ step, attempts }) => [step.module, attempts])).toEqual([
    ['top', 1],
    ['mid', 1],
    ['base', 1],
  ])
  expect(loaded()).toEqual([])
  expect(JSON.parse(JSON.stringify(report))).toEqual(report)
})

test('already absent is success', async () => {
  kernel.addToIndex({ name: 'gone' })
  expect(await kmod.unload('gone')).toMatchObject({ removed: [], absent: ['gone'], clean: true })
})

test('an infeasible plan removes nothing', async () => {
  addChain()
  const error = await rejection(kmod.unload(['top', 'nowhere']))
  expect(error).toMatchObject({ code: 'ERR_KMOD_NOT_FOUND', module: 'nowhere' })
  expect(error.plan).toMatchObject({ feasible: false, targets: ['top', 'nowhere'] })
  expect(kernel.removals).toEqual([])
})

test('in use: the users are named, with how they let go', async () => {
  kernel.add('tun', { references: 1 })
  kernel.snapshotNow.openDevices.push({
    pid: 77,
    comm: 'openvpn',
    self: false,
    path: '/dev/net/tun',
    fd: 5,
    modules: ['tun'],
  })
  const error = await rejection(kmod.unload('tun'))
  expect(error).toMatchObject({
    code: 'ERR_KMOD_IN_USE',
    references: 1,
    users: [{ kind: 'process', pid: 77, fd: 5, path: '/dev/net/tun', references: 1 }],
  })
  expect(error.message).toMatch(/openvpn/)
})

describe('waiting', () => {
  test('until it is free', async () => {
    addChain()
    kernel.modules.get('top')!.references = 1
    kernel.after(700, () => (kernel.modules.get('top')!.references = 0))
    const report = await kmod.unload('top', { wait: 10_000 })
    expect(report.removed).toEqual(['top', 'mid', 'base'])
    expect(kernel.clock.now()).toBeGreaterThanOrEqual(700)
    expect(kernel.clock.now()).toBeLessThan(1_000)
    // Nobody asked the kernel while it could not.
    expect(kernel.removals).toEqual(['top', 'mid', 'base'])
  })

  test('up to one deadline', async () => {
    kernel.add('busy', { references: 2 })
    const error = await rejection(kmod.unload('busy', { wait: 1_000 }))
    expect(error).toMatchObject({
      code: 'ERR_KMOD_TIMEOUT',
      module: 'busy',
      blocker: { code: 'ERR_KMOD_IN_USE', references: 2 },
      users: [],
      cause: { code: 'ERR_KMOD_IN_USE' },
      report: { removed: [] },
    })
    expect(kernel.clock.now()).toBe(1_000)
  })

  test('what no waiting cures rejects at once', async () => {
    addChain()
    expect(await rejection(kmod.unload('base', { wait: 60_000 }))).toMatchObject({
      code: 'ERR_KMOD_HELD',
      holders: ['mid'],
    })
    expect(kernel.clock.now()).toBe(0)
  })

  test('without a wait there is no timeout', async () => {
    kernel.add('busy', { references: 1 })
    expect(await rejection(kmod.unload('busy'))).toMatchObject({ code: 'ERR_KMOD_IN_USE' })
    kernel.add('going', { state: 'unloading' })
    expect(await rejection(kmod.unload('going'))).toMatchObject({ code: 'ERR_KMOD_TRANSIENT' })
  })

  test('a module that somebody else is unloading ends up absent', async () => {
    addChain()
    kernel.modules.get('top')!.state = 'unloading'
    kernel.after(300, () => kernel.modules.delete('top'))
    const report = await kmod.unload('top', { wait: 5_000 })
    // What was to go along with it does, all the same.
    expect(report).toMatchObject({ absent: ['top'], removed: ['mid', 'base'] })
  })

  test('onBlocked is told at the first block and at each change, and then it is tried at once', async () => {
    kernel.add('busy', { references: 2 })
    const seen: number[] = []
    const report = await kmod.unload('busy', {
      wait: 60_000,
      onBlocked: (blocker) => {
        if (blocker.code !== 'ERR_KMOD_IN_USE') throw new Error(blocker.code)
        seen.push(blocker.references)
        kernel.modules.get('busy')!.references--
      },
    })
    expect(seen).toEqual([2, 1])
    expect(report.removed).toEqual(['busy'])
    expect(kernel.clock.now()).toBe(0)
  })

  test('onStep is told of the start, the waiting and the end', async () => {
    addChain()
    kernel.modules.get('top')!.references = 1
    kernel.after(50, () => (kernel.modules.get('top')!.references = 0))
    const events: UnloadEvent[] = []
    await kmod.unload('top', { wait: 1_000, onStep: (event) => void events.push(event) })
    expect(
      events.map(({ step, index, total, state }) => [step.module, index, total, state]),
    ).toEqual([
      ['top', 0, 3, 'waiting'],
      ['top', 0, 3, 'start'],
      ['top', 0, 3, 'done'],
      ['mid', 1, 3, 'start'],
      ['mid', 1, 3, 'done'],
      ['base', 2, 3, 'start'],
      ['base', 2, 3, 'done'],
    ])
    expect(events[0]!.blocker).toMatchObject({ code: 'ERR_KMOD_IN_USE' })
  })

  test('the signal is heard', async () => {
    kernel.add('busy', { references: 1 })
    const controller = new AbortController()
    kernel.after(400, () => controller.abort(new Error('enough')))
    const error = await rejection(
      kmod.unload('busy', { wait: Infinity, signal: controller.signal }),
    )
    expect(error).toMatchObject({
      name: 'AbortError',
      code: 'ERR_KMOD_ABORTED',
      cause: { message: 'enough' },
      report: { removed: [] },
    })
    expect(kernel.clock.now()).toBe(400)
  })
})

describe('the world changes in the middle', () => {
  beforeEach(addChain)

  test('a dependency turned busy: it is kept, and the call does not fail', async () => {
    kernel.beforeRemoval = (name) => {
      if (name === 'top') kernel.modules.get('mid')!.references = 1
    }
    const report = await kmod.unload('top')
    expect(report).toMatchObject({
      removed: ['top'],
      kept: [
        { module: 'mid', reason: 'in-use' },
        { module: 'base', reason: 'held' },
      ],
      failed: null,
    })
  })

  test('busy only when the kernel looks: the same', async () => {
    kernel.beforeRemoval = (name) => {
      if (name === 'mid') kernel.modules.get('mid')!.references = 1
    }
    expect(await kmod.unload('top')).toMatchObject({
      removed: ['top'],
      kept: [
        { module: 'mid', reason: 'in-use' },
        { module: 'base', reason: 'held' },
      ],
    })
  })

  test('a dependency that somebody else removes counts as gone', async () => {
    kernel.beforeRemoval = (name) => {
      if (name === 'mid') kernel.modules.delete('mid')
    }
    expect(await kmod.unload('top')).toMatchObject({
      removed: ['top', 'base'],
      absent: ['mid'],
    })
  })

  test('a new holder: held, with what had gone by then', async () => {
    kernel.beforeRemoval = (name) => {
      if (name === 'top') kernel.add('late', { uses: ['base'] })
    }
    const error = await rejection(kmod.unload(['top', 'mid', 'base'], { holders: 'remove' }))
    expect(error).toMatchObject({
      code: 'ERR_KMOD_HELD',
      module: 'base',
      holders: ['late'],
      report: {
        removed: ['top', 'mid'],
        failed: { step: { module: 'base' }, code: 'ERR_KMOD_HELD' },
      },
    })
  })

  test('a new holder is planned anew within the wait', async () => {
    kernel.beforeRemoval = (name) => {
      if (name === 'top') kernel.add('late', { uses: ['base'] })
    }
    const report = await kmod.unload(['top', 'mid', 'base'], { holders: 'remove', wait: 1_000 })
    expect(report.removed).toEqual(['top', 'mid', 'late', 'base'])
  })

  test('a module that went and came back is not the one that was planned for', async () => {
    kernel.beforeRemoval = (name) => {
      if (name !== 'top') return
      kernel.modules.delete('base')
      kernel.add('base')
    }
    const error = await rejection(kmod.unload(['top', 'mid', 'base']))
    expect(error).toMatchObject({
      code: 'ERR_KMOD_REAPPEARED',
      module: 'base',
      report: { removed: ['top', 'mid'], reappeared: ['base'] },
    })
  })

  test('a target that is back by the end of settle', async () => {
    kernel.after(500, () => kernel.add('top'))
    const error = await rejection(kmod.unload('top', { settle: 2_000 }))
    expect(error).toMatchObject({
      code: 'ERR_KMOD_REAPPEARED',
      module: 'top',
      report: { removed: ['top', 'mid', 'base'], reappeared: ['top'], clean: false },
    })
  })

  test('a dependency that is back is told, and no failure', async () => {
    kernel.after(500, () => kernel.add('base'))
    const report = await kmod.unload('top', { settle: 2_000 })
    expect(report).toMatchObject({ reappeared: ['base'], clean: false })
  })
})

describe('what goes wrong', () => {
  beforeEach(addChain)

  test('a hanging exit', async () => {
    // A name of its own: what is stuck is remembered for the process.
    kernel.add('hanging', { exitTime: Infinity }).add('upper', { uses: ['hanging'] })
    const error = await rejection(kmod.unload('upper', { hungAfter: 5_000 }))
    expect(error).toMatchObject({
      code: 'ERR_KMOD_HUNG',
      module: 'hanging',
      pid: 4242,
      report: {
        removed: ['upper'],
        failed: { step: { module: 'hanging' }, code: 'ERR_KMOD_HUNG' },
      },
    })
    expect(await rejection(kmod.unload('hanging'))).toMatchObject({
      code: 'ERR_KMOD_TRANSIENT',
      pid: 4242,
    })
  })

  test('an oops', async () => {
    kernel.modules.get('mid')!.oops = true
    expect(await rejection(kmod.unload('top'))).toMatchObject({
      code: 'ERR_KMOD_SYSTEM',
      report: { removed: ['top'], failed: { code: 'ERR_KMOD_SYSTEM' } },
    })
  })

  test('no capability', async () => {
    kernel.factsNow.capability = false
    expect(await rejection(kmod.unload('top'))).toMatchObject({
      code: 'ERR_KMOD_PERMISSION',
      report: { removed: [], failed: { step: { module: 'top' } } },
    })
  })

  test('a callback that throws', async () => {
    const error = await rejection(
      kmod.unload('top', {
        onStep: ({ step, state }) => {
          if (step.module === 'mid' && state === 'start') throw new Error('no more')
        },
      }),
    )
    expect(error).toMatchObject({
      code: 'ERR_KMOD_CALLBACK',
      cause: { message: 'no more' },
      report: { removed: ['top'] },
    })
  })

  test('a kernel that is not well afterwards', async () => {
    kernel.beforeRemoval = () => {
      kernel.tainted = 512n
      kernel.logLines!.push('WARNING: CPU: 0 PID: 1 at exit')
    }
    expect(await kmod.unload('top')).toMatchObject({ clean: false, newTaints: ['WARN'] })
  })

  test('another root is only looked at', async () => {
    kernel.readOnly = true
    expect((await kmod.plan('top')).feasible).toBe(true)
    expect(await rejection(kmod.unload('top'))).toMatchObject({ code: 'ERR_KMOD_READ_ONLY' })
  })
})

describe('restore', () => {
  beforeEach(addChain)

  test('what this call removed comes back, newest first', async () => {
    kernel.modules.get('base')!.oops = true
    const error = await rejection(
      kmod.unload(['top', 'mid', 'base'], { onFailure: 'restore', hungAfter: 1_000 }),
    )
    // base is stuck half-way out, and what needs it cannot come back.
    expect(error.report).toMatchObject({ removed: ['top', 'mid'] })

    kernel = new SimulatedKernel()
    kmod = Kmod.over(kernel)
    addChain()
    kernel.beforeRemoval = (name) => {
      if (name === 'base') kernel.modules.get('base')!.permanent = true
    }
    const again = await rejection(kmod.unload(['top', 'mid', 'base'], { onFailure: 'restore' }))
    expect(again).toMatchObject({
      code: 'ERR_KMOD_PERMANENT',
      report: { removed: ['top', 'mid'], restored: ['mid', 'top'], notRestored: [] },
    })
    expect(loaded().sort()).toEqual(['base', 'mid', 'top'])
  })

  test('with their parameters, as far as they were set', async () => {
    kernel.indexed.get('top')!.parameters = { debug: '0', id: '(null)', run: '1' }
    Object.assign(kernel.modules.get('top')!.parameters, { debug: '3', id: '(null)', run: '1' })
    kernel.beforeRemoval = (name) => {
      if (name === 'mid') kernel.modules.get('mid')!.permanent = true
    }
    const error = await rejection(kmod.unload(['top', 'mid'], { onFailure: 'restore' }))
    expect(error.report).toMatchObject({ restored: ['top'], parametersLost: [] })
    expect(kernel.modules.get('top')!.parameters).toEqual({ debug: '3', id: '(null)', run: '1' })
  })

  test('a parameter that cannot be set again is told', async () => {
    kernel.indexed.get('top')!.parameters = { text: 'as "ever"' }
    kernel.modules.get('top')!.parameters = { text: 'a "new" one' }
    kernel.beforeRemoval = (name) => {
      if (name === 'mid') kernel.modules.get('mid')!.permanent = true
    }
    const error = await rejection(kmod.unload(['top', 'mid'], { onFailure: 'restore' }))
    expect(error.report!.parametersLost).toEqual([
      { module: 'top', name: 'text', before: 'a "new" one', after: 'as "ever"' },
    ])
  })

  test('what could not come back is not taken out', async () => {
    kernel.indexed.delete('top')
    const error = await rejection(kmod.unload('top', { onFailure: 'restore' }))
    expect(error).toMatchObject({ code: 'ERR_KMOD_NOT_FOUND', module: 'top' })
    expect(kernel.removals).toEqual([])
    kernel.addToIndex({ name: 'top', fields: [{ key: 'srcversion', value: 'NEW' }] })
    kernel.modules.get('top')!.sourceVersion = 'OLD'
    expect(await rejection(kmod.unload('top', { onFailure: 'restore' }))).toMatchObject({
      code: 'ERR_KMOD_NOT_FOUND',
    })
    expect(kernel.removals).toEqual([])
  })

  test('what fails to come back is told', async () => {
    kernel.beforeRemoval = (name) => {
      if (name === 'mid') {
        kernel.modules.get('mid')!.permanent = true
        kernel.indexed.get('top')!.refuses = true
      }
    }
    const error = await rejection(kmod.unload(['top', 'mid'], { onFailure: 'restore' }))
    expect(error.report).toMatchObject({
      restored: [],
      notRestored: [{ module: 'top', message: expect.stringMatching(/ENODEV/) as string }],
    })
  })

  test('also on abort, and after a callback that threw', async () => {
    const controller = new AbortController()
    const stop = (how: () => void) => ({
      onFailure: 'restore' as const,
      signal: controller.signal,
      onStep: ({ step, state }: UnloadEvent): void => {
        if (step.module === 'top' && state === 'done') how()
      },
    })
    const thrown = await rejection(
      kmod.unload(
        'top',
        stop(() => {
          throw new Error('no')
        }),
      ),
    )
    expect(thrown).toMatchObject({ code: 'ERR_KMOD_CALLBACK', report: { restored: ['top'] } })
    const aborted = await rejection(
      kmod.unload(
        'top',
        stop(() => controller.abort()),
      ),
    )
    expect(aborted).toMatchObject({ code: 'ERR_KMOD_ABORTED', report: { restored: ['top'] } })
    expect(loaded().sort()).toEqual(['base', 'mid', 'top'])
  })
})

describe('remove commands', () => {
  beforeEach(() => {
    kernel.add('a')
    kernel.policies.set('a', { removeCommand: 'sh -c off' })
  })

  test('are run, and must work', async () => {
    kernel.commands.set('a', () => {
      kernel.modules.delete('a')
      return { exitCode: 0, output: '' }
    })
    expect(await kmod.unload('a', { commands: 'run' })).toMatchObject({ removed: ['a'] })
  })

  test('that end well and leave the module there have failed', async () => {
    kernel.commands.set('a', () => ({ exitCode: 0, output: 'all fine' }))
    const error = await rejection(kmod.unload('a', { commands: 'run' }))
    expect(error).toMatchObject({
      code: 'ERR_KMOD_REMOVE_COMMAND',
      command: 'sh -c off',
      exitCode: 0,
      report: { removed: [] },
    })
    expect(error.message).toMatch(/all fine/)
  })

  test('that fail after the module is gone: the report knows', async () => {
    kernel.commands.set('a', () => {
      kernel.modules.delete('a')
      return { exitCode: 3, output: '' }
    })
    expect(await rejection(kmod.unload('a', { commands: 'run' }))).toMatchObject({
      code: 'ERR_KMOD_REMOVE_COMMAND',
      exitCode: 3,
      report: { removed: ['a'] },
    })
  })
})

describe('a plan in place of names', () => {
  beforeEach(addChain)

  test('is carried out, also out of JSON', async () => {
    const plan = JSON.parse(JSON.stringify(await kmod.plan('mid', { holders: 'remove' }))) as never
    expect(await kmod.unload(plan)).toMatchObject({ removed: ['top', 'mid', 'base'] })
  })

  test('that is no longer true is refused, and nothing touched', async () => {
    const plan = await kmod.plan('top')
    kernel.add('late', { uses: ['mid'] })
    const error = await rejection(kmod.unload(plan))
    expect(error).toMatchObject({ code: 'ERR_KMOD_PLAN_CHANGED' })
    expect(error.plan!.steps.map(({ module }) => module)).toEqual(['top'])
    expect(kernel.removals).toEqual([])
  })

  test('commands are never taken from it', async () => {
    const plan = await kmod.plan('top')
    plan.steps[0] = { action: 'run', module: 'top', reason: 'target', command: 'rm -rf /' }
    expect(await rejection(kmod.unload(plan))).toMatchObject({ code: 'ERR_KMOD_PLAN_CHANGED' })
  })

  test.each([
    [{}],
    [{ targets: ['top'] }],
    [null],
    [{ targets: [1], steps: [], blockers: [], effects: [], options: {} }],
  ])('%p is none', async (wrong) => {
    await expect(kmod.unload(wrong as never)).rejects.toMatchObject({ name: 'TypeError' })
  })

  test('options that contradict it are refused', async () => {
    const plan = await kmod.plan('top')
    await expect(kmod.unload(plan, { guard: 'off' })).rejects.toMatchObject({ name: 'TypeError' })
    await expect(kmod.unload(plan, { guard: 'refuse', wait: 5 })).resolves.toBeDefined()
  })
})

describe('two calls at once', () => {
  test('one from within a callback of the other does not wait for it', async () => {
    kernel.add('base', { references: 1 })
    const report = await kmod.unload('base', {
      wait: 60_000,
      onBlocked: async () => {
        const inner = await rejection(kmod.unload('base'))
        expect(inner.code).toBe('ERR_KMOD_IN_USE')
        kernel.modules.get('base')!.references = 0
      },
    })
    expect(report.removed).toEqual(['base'])
  })

  test('that touch the same modules run one after the other', async () => {
    addChain()
    kernel.modules.get('top')!.exitTime = 1_000
    const [first, second] = await Promise.all([
      kmod.unload('top'),
      kmod.unload('base', { wait: 5_000 }).catch((error: unknown) => error),
    ])
    expect(first.removed).toEqual(['top', 'mid', 'base'])
    // It was held when it was asked for, and is gone when its turn comes.
    expect(second).toMatchObject({ removed: [], absent: ['base'] })
  })

  test('others do not wait for each other', async () => {
    kernel.add('one', { exitTime: 10_000 }).add('two')
    const one = kmod.unload('one')
    await kmod.unload('two')
    expect(kernel.modules.has('one')).toBe(true)
    await one
  })

  test('time in the queue counts', async () => {
    kernel.add('slow', { exitTime: 10_000 })
    const first = kmod.unload('slow')
    const error = await rejection(kmod.unload('slow', { wait: 500 }))
    expect(error).toMatchObject({
      code: 'ERR_KMOD_TIMEOUT',
      blocker: { code: 'ERR_KMOD_TRANSIENT' },
    })
    await first
    const controller = new AbortController()
    kernel.add('slow', { exitTime: 10_000 })
    const third = kmod.unload('slow')
    const fourth = kmod.unload('slow', { signal: controller.signal })
    kernel.after(100, () => controller.abort())
    expect(await rejection(fourth)).toMatchObject({ code: 'ERR_KMOD_ABORTED' })
    await third
  })
})
