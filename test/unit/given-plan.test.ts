/** unload() with a plan that the caller gives. */
import { Kmod } from '../../lib/kmod'
import { rejection } from '../support/rejection'
import { SimulatedKernel } from '../../lib/testing/simulated-kernel'
import { addChain } from '../support/simulated-modules'

let kernel: SimulatedKernel
let kmod: Kmod
beforeEach(() => {
  kernel = new SimulatedKernel()
  kmod = Kmod.over(kernel)
})

describe('a given plan', () => {
  beforeEach(() => addChain(kernel))

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
