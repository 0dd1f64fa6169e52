/** unload() that waits, and changes of the system during its run. */
import { Kmod } from '../../lib/kmod'
import type { UnloadEvent } from '../../lib/contract/types'
import { rejection } from '../support/rejection'
import { SimulatedKernel } from '../../lib/testing/simulated-kernel'
import { addChain } from '../support/simulated-modules'

let kernel: SimulatedKernel
let kmod: Kmod
beforeEach(() => {
  kernel = new SimulatedKernel()
  kmod = Kmod.over(kernel)
})

describe('waiting', () => {
  test('removes a module when it is free', async () => {
    addChain(kernel)
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
    addChain(kernel)
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
    addChain(kernel)
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
    addChain(kernel)
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
  beforeEach(() => addChain(kernel))

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
