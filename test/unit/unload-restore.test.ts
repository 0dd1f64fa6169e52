/** unload() with `onFailure: 'restore'`. */
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

const loaded = (): string[] => [...kernel.modules.keys()]

describe('restore', () => {
  beforeEach(() => addChain(kernel))

  test('loads what the call removed, the last removed first', async () => {
    kernel.modules.get('base')!.oops = true
    const error = await rejection(
      kmod.unload(['top', 'mid', 'base'], { onFailure: 'restore', hungAfter: 1_000 }),
    )
    // base is still being unloaded, and the modules that need it cannot be loaded.
    expect(error.report).toMatchObject({ removed: ['top', 'mid'] })

    kernel = new SimulatedKernel()
    kmod = Kmod.over(kernel)
    addChain(kernel)
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
