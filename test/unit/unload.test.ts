/** unload(): results, failures, remove commands, and calls at the same time. */
import { Kmod } from '../../lib/kmod'
import { rejection } from '../support/rejection'
import { SimulatedKernel } from '../../lib/testing/simulated-kernel'
import { addChain } from '../support/simulated-modules'
import { openDevice } from '../support/snapshots'

let kernel: SimulatedKernel
let kmod: Kmod
beforeEach(() => {
  kernel = new SimulatedKernel()
  kmod = Kmod.over(kernel)
})

const loaded = (): string[] => [...kernel.modules.keys()]

test('carries the plan out and reports it', async () => {
  addChain(kernel)
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
  addChain(kernel)
  const error = await rejection(kmod.unload(['top', 'nowhere']))
  expect(error).toMatchObject({ code: 'ERR_KMOD_NOT_FOUND', module: 'nowhere' })
  expect(error.plan).toMatchObject({ feasible: false, targets: ['top', 'nowhere'] })
  expect(kernel.removals).toEqual([])
})

test('the error of a module in use names its users and how to release them', async () => {
  kernel.add('loop', { references: 1 })
  const device = { comm: 'openvpn', fd: 5, modules: ['loop'] }
  kernel.snapshotNow.openDevices.push(openDevice(77, '/dev/loop-control', device))
  const error = await rejection(kmod.unload('loop'))
  expect(error).toMatchObject({
    code: 'ERR_KMOD_IN_USE',
    references: 1,
    users: [{ kind: 'process', pid: 77, fd: 5, path: '/dev/loop-control', references: 1 }],
  })
  expect(error.message).toMatch(/openvpn/)
})

describe('failures', () => {
  beforeEach(() => addChain(kernel))

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
    addChain(kernel)
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
