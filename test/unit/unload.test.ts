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

test('carries the plan out and reports it', async () => {
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

test('reads the kernel once before the removal of an idle module and once after it', async () => {
  kernel.addToIndex({ name: 'idle' }).add('idle')
  const calls: string[] = []
  const watch = <T extends object>(object: T, methods: (keyof T & string)[]): void => {
    for (const name of methods) {
      const method = object[name] as (...args: unknown[]) => unknown
      object[name] = ((...args: unknown[]) => {
        calls.push(name)
        return method.apply(object, args)
      }) as T[typeof name]
    }
  }
  watch(kernel, ['table', 'row', 'sysModules', 'snapshot', 'attributes', 'facts', 'remove'])
  watch(kernel.index, ['find', 'lookup', 'describe', 'policies', 'needs'])
  await kmod.unload('idle', { guard: 'off' })
  expect(calls).toEqual(['table', 'policies', 'remove', 'sysModules'])
  calls.length = 0
  kernel.add('idle')
  await kmod.unload('idle')
  expect(calls).toEqual(['snapshot', 'table', 'policies', 'remove', 'sysModules'])
})

test('succeeds if the module is not loaded', async () => {
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

test('the error of a module in use names its users and how to release them', async () => {
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
  test('removes a module when it is free', async () => {
    addChain()
    kernel.modules.get('top')!.references = 1
    kernel.after(700, () => (kernel.modules.get('top')!.references = 0))
    const report = await kmod.unload('top', { wait: 10_000 })
    expect(report.removed).toEqual(['top', 'mid', 'base'])
    expect(kernel.clock.now()).toBeGreaterThanOrEqual(700)
    expect(kernel.clock.now()).toBeLessThan(1_000)
    // The kernel was not called while it would have refused.
    expect(kernel.removals).toEqual(['top', 'mid', 'base'])
  })

  test('ends at one deadline for the whole call', async () => {
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

  test('rejects at once for a blocker that waiting cannot resolve', async () => {
    addChain()
    expect(await rejection(kmod.unload('base', { wait: 60_000 }))).toMatchObject({
      code: 'ERR_KMOD_HELD',
      holders: ['mid'],
    })
    expect(kernel.clock.now()).toBe(0)
  })

  test('without wait the error is the blocker, not a timeout', async () => {
    kernel.add('busy', { references: 1 })
    expect(await rejection(kmod.unload('busy'))).toMatchObject({ code: 'ERR_KMOD_IN_USE' })
    kernel.add('going', { state: 'unloading' })
    expect(await rejection(kmod.unload('going'))).toMatchObject({ code: 'ERR_KMOD_TRANSIENT' })
  })

  test('a module that something else is unloading becomes absent', async () => {
    addChain()
    kernel.modules.get('top')!.state = 'unloading'
    kernel.after(300, () => kernel.modules.delete('top'))
    const report = await kmod.unload('top', { wait: 5_000 })
    // Its dependencies are removed nevertheless.
    expect(report).toMatchObject({ absent: ['top'], removed: ['mid', 'base'] })
  })

  test('onBlocked is called for the first blocker and for each change, and followed by a try at once', async () => {
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

  test('onStep is called for the wait, the start and the end of a step', async () => {
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

  test('ends when the signal aborts', async () => {
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

describe('changes during the run', () => {
  beforeEach(addChain)

  test('a dependency that has come into use is kept, and the call does not fail', async () => {
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

  test('a dependency that the kernel refuses to remove is kept', async () => {
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

  test('a dependency that something else removes is absent', async () => {
    kernel.beforeRemoval = (name) => {
      if (name === 'mid') kernel.modules.delete('mid')
    }
    expect(await kmod.unload('top')).toMatchObject({
      removed: ['top', 'base'],
      absent: ['mid'],
    })
  })

  test('a new holder is an error, and the report lists what was removed before', async () => {
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

  test('a new holder is removed too if there is a wait', async () => {
    kernel.beforeRemoval = (name) => {
      if (name === 'top') kernel.add('late', { uses: ['base'] })
    }
    const report = await kmod.unload(['top', 'mid', 'base'], { holders: 'remove', wait: 1_000 })
    expect(report.removed).toEqual(['top', 'mid', 'late', 'base'])
  })

  test('a target that was removed and loaded again is not removed', async () => {
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

  test('a target that is loaded again during settle is an error', async () => {
    kernel.after(500, () => kernel.add('top'))
    const error = await rejection(kmod.unload('top', { settle: 2_000 }))
    expect(error).toMatchObject({
      code: 'ERR_KMOD_REAPPEARED',
      module: 'top',
      report: { removed: ['top', 'mid', 'base'], reappeared: ['top'], clean: false },
    })
  })

  test('a dependency that is loaded again is reported and is no error', async () => {
    kernel.after(500, () => kernel.add('base'))
    const report = await kmod.unload('top', { settle: 2_000 })
    expect(report).toMatchObject({ reappeared: ['base'], clean: false })
  })
})

describe('failures', () => {
  beforeEach(addChain)

  test('an exit function that hangs', async () => {
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

  test('an oops in an exit function', async () => {
    kernel.modules.get('mid')!.oops = true
    expect(await rejection(kmod.unload('top'))).toMatchObject({
      code: 'ERR_KMOD_SYSTEM',
      report: { removed: ['top'], failed: { code: 'ERR_KMOD_SYSTEM' } },
    })
  })

  test('a missing capability', async () => {
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

  test('a warning of the kernel is not clean', async () => {
    kernel.beforeRemoval = () => {
      kernel.tainted = 512n
      kernel.logLines!.push('WARNING: CPU: 0 PID: 1 at exit')
    }
    expect(await kmod.unload('top')).toMatchObject({ clean: false, newTaints: ['WARN'] })
  })

  test('another root can be planned for, not changed', async () => {
    kernel.readOnly = true
    expect((await kmod.plan('top')).feasible).toBe(true)
    expect(await rejection(kmod.unload('top'))).toMatchObject({ code: 'ERR_KMOD_READ_ONLY' })
  })
})

describe('restore', () => {
  beforeEach(addChain)

  test('loads what the call removed, the last removed first', async () => {
    kernel.modules.get('base')!.oops = true
    const error = await rejection(
      kmod.unload(['top', 'mid', 'base'], { onFailure: 'restore', hungAfter: 1_000 }),
    )
    // base is still being unloaded, and the modules that need it cannot be loaded.
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

  test('gives modules the parameters back that were set', async () => {
    kernel.indexed.get('top')!.parameters = { debug: '0', id: '(null)', run: '1' }
    Object.assign(kernel.modules.get('top')!.parameters, { debug: '3', id: '(null)', run: '1' })
    kernel.beforeRemoval = (name) => {
      if (name === 'mid') kernel.modules.get('mid')!.permanent = true
    }
    const error = await rejection(kmod.unload(['top', 'mid'], { onFailure: 'restore' }))
    expect(error.report).toMatchObject({ restored: ['top'], parametersLost: [] })
    expect(kernel.modules.get('top')!.parameters).toEqual({ debug: '3', id: '(null)', run: '1' })
  })

  test('reports a parameter that cannot be set again', async () => {
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

  test('does not remove a module that could not be loaded again', async () => {
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

  test('reports a module that could not be loaded again', async () => {
    kernel.beforeRemoval = (name) => {
      if (name === 'mid') {
        kernel.modules.get('mid')!.permanent = true
        kernel.indexed.get('top')!.refuses = ['ENODEV', 19]
      }
    }
    const error = await rejection(kmod.unload(['top', 'mid'], { onFailure: 'restore' }))
    expect(error.report).toMatchObject({
      restored: [],
      notRestored: [{ module: 'top', message: expect.stringMatching(/ENODEV/) as string }],
    })
  })

  test('restores also after an abort and after a callback that threw', async () => {
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

  test('run, and must remove the module', async () => {
    kernel.commands.set('a', () => {
      kernel.modules.delete('a')
      return { exitCode: 0, output: '' }
    })
    expect(await kmod.unload('a', { commands: 'run' })).toMatchObject({ removed: ['a'] })
  })

  test('fail if they end with status 0 and the module is still loaded', async () => {
    kernel.commands.set('a', () => ({ exitCode: 0, output: 'all fine' }))
    const error = await rejection(kmod.unload('a', { commands: 'run' }))
    expect(error).toMatchObject({
      code: 'ERR_KMOD_REMOVE_COMMAND',
      shell: 'sh -c off',
      exitCode: 0,
      report: { removed: [] },
    })
    expect(error.message).toMatch(/all fine/)
  })

  test('that fail after they removed the module leave it in `removed`', async () => {
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

describe('a given plan', () => {
  beforeEach(addChain)

  test('is carried out, also from JSON', async () => {
    const plan = JSON.parse(JSON.stringify(await kmod.plan('mid', { holders: 'remove' }))) as never
    const report = await kmod.unload(plan, { holders: 'remove' })
    expect(report.removed).toEqual(['top', 'mid', 'base'])
  })

  test('that does not match the current state is refused, and nothing is removed', async () => {
    const plan = await kmod.plan('top')
    kernel.add('late', { uses: ['mid'] })
    const error = await rejection(kmod.unload(plan))
    expect(error).toMatchObject({
      code: 'ERR_KMOD_PLAN_CHANGED',
      changes: [
        'No longer a step: remove module mid (dependency).',
        'No longer a step: remove module base (dependency).',
      ],
    })
    expect(error.plan!.steps.map(({ module }) => module)).toEqual(['top'])
    expect(kernel.removals).toEqual([])
  })

  test('is never a source of commands', async () => {
    const plan = await kmod.plan('top')
    plan.steps[0] = { action: 'run', module: 'top', reason: 'target', shell: 'rm -rf /' }
    expect(await rejection(kmod.unload(plan))).toMatchObject({
      code: 'ERR_KMOD_PLAN_CHANGED',
      changes: [
        'Now a step, and not in the given plan: remove module top (target).',
        'No longer a step: run module top (target) with the command "rm -rf /".',
      ],
    })
    expect(kernel.removals).toEqual([])
  })

  test('names each difference in a sentence, also of what is not a valid plan', async () => {
    const plan = await kmod.plan('base')
    const { message, changes } = await rejection(
      kmod.unload({
        ...plan,
        steps: [{ action: 'remove', module: 'mid', reason: 7 }],
        blockers: [{ code: 'ERR_KMOD_PERMANENT', module: 'ba\x1bse' }],
        effects: [{ kind: 'swap', subject: '/swap' }],
      } as never),
    )
    expect(changes).toEqual([
      'Now a step, and not in the given plan: remove module base (target).',
      'No longer a step: remove module mid ().',
      'Now a blocker, and not in the given plan: ERR_KMOD_HELD of module base.',
      'No longer a blocker: ERR_KMOD_PERMANENT of module ba\\u{1b}se.',
      'No longer an effect: swap of /swap.',
    ])
    for (const change of changes!) expect(message).toContain(change)
  })

  test('in another order is refused', async () => {
    const plan = await kmod.plan(['base', 'top'], { holders: 'remove' })
    plan.steps.reverse()
    expect((await rejection(kmod.unload(plan, { holders: 'remove' }))).changes).toEqual([
      'The order of the steps is now: remove module top (target), remove module mid (holder), remove module base (target).',
    ])
  })

  test.each([
    { guard: 'off' },
    { force: true },
    { allow: ['session'] },
    { holders: 'remove' },
    { commands: 'run' },
    { commands: 'skip' },
  ] as const)('with %p needs the same option in the call', async (option) => {
    const plan = await kmod.plan('top', option)
    const error = await rejection(kmod.unload(plan))
    expect(error).toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' })
    expect(error.message).toContain(`options.${Object.keys(option)[0]!}`)
    expect(kernel.removals).toEqual([])
    expect((await kmod.unload(plan, option)).removed).toEqual(['top', 'mid', 'base'])
  })

  test.each([
    [{}],
    [{ targets: ['top'] }],
    [{ targets: ['top'], steps: [null], blockers: [], effects: [], options: {} }],
    [null],
    [{ targets: [1], steps: [], blockers: [], effects: [], options: {} }],
  ])('%p is not one', async (wrong) => {
    await expect(kmod.unload(wrong as never)).rejects.toMatchObject({ name: 'TypeError' })
  })

  test('rejects options that contradict it', async () => {
    const plan = await kmod.plan('top')
    await expect(kmod.unload(plan, { guard: 'off' })).rejects.toMatchObject({ name: 'TypeError' })
    await expect(kmod.unload(plan, { guard: 'refuse', wait: 5 })).resolves.toBeDefined()
  })
})

describe('calls at the same time', () => {
  test('a call inside a callback does not wait for the call that made the callback', async () => {
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

  test('run one after the other if they touch the same modules', async () => {
    addChain()
    kernel.modules.get('top')!.exitTime = 1_000
    const [first, second] = await Promise.all([
      kmod.unload('top'),
      kmod.unload('base', { wait: 5_000 }).catch((error: unknown) => error),
    ])
    expect(first.removed).toEqual(['top', 'mid', 'base'])
    // It was held when the call was made, and is removed by the time of its turn.
    expect(second).toMatchObject({ removed: [], absent: ['base'] })
  })

  test('run at the same time if they touch different modules', async () => {
    kernel.add('one', { exitTime: 10_000 }).add('two')
    const one = kmod.unload('one')
    await kmod.unload('two')
    expect(kernel.modules.has('one')).toBe(true)
    await one
  })

  test('plan at the same time', async () => {
    kernel.add('one').add('two')
    const { table } = kernel
    let planning = 0
    let most = 0
    kernel.table = async () => {
      most = Math.max(most, ++planning)
      await kernel.clock.sleep(10)
      planning--
      return table.call(kernel)
    }
    await Promise.all([kmod.unload('one'), kmod.unload('two')])
    expect(most).toBe(2)
    expect(kernel.removals.sort()).toEqual(['one', 'two'])
  })

  test('the time in the queue counts as waiting, and the signal ends it', async () => {
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
