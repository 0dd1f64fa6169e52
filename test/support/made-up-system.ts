/** Systems for property tests: modules that use each other in every way that a kernel allows. */
import fc from 'fast-check'
import type { PlanOptions } from '../../lib/contract/types'
import { SimulatedKernel } from './simulated-kernel'

export interface MadeUpModule {
  uses: number[]
  references: number
  permanent: boolean
  state: 'live' | 'loading' | 'unloading'
  removeCommand: boolean
  configured: boolean
  hasInterface: boolean
  pre: number[]
  post: number[]
}

export interface MadeUpSystem {
  modules: MadeUpModule[]
  targets: number[]
  options: PlanOptions
}

export const nameOf = (i: number): string => `m${i}`

const mostly = <T>(usual: T, ...others: T[]): fc.Arbitrary<T> =>
  fc.oneof({ weight: 12, arbitrary: fc.constant(usual) }, ...others.map((one) => fc.constant(one)))

const moduleAt = (i: number, count: number): fc.Arbitrary<MadeUpModule> =>
  fc.record({
    // A module can only use older ones.
    uses: i === 0 ? fc.constant([]) : fc.uniqueArray(fc.nat(i - 1), { maxLength: 3 }),
    references: mostly(0, 1, 3),
    permanent: mostly(false, true),
    state: mostly<MadeUpModule['state']>('live', 'loading', 'unloading'),
    removeCommand: mostly(false, true),
    configured: mostly(false, true),
    hasInterface: mostly(false, true),
    // Any module, also itself and in cycles. The one after the last is not loaded.
    pre: fc.array(fc.nat(count), { maxLength: 1 }),
    post: fc.array(fc.nat(count), { maxLength: 1 }),
  })

const options: fc.Arbitrary<PlanOptions> = fc.record(
  {
    holders: fc.constantFrom('refuse', 'remove'),
    dependencies: fc.constantFrom('unused', 'keep'),
    softDependencies: fc.boolean(),
    commands: fc.constantFrom('refuse', 'skip'),
    guard: fc.constantFrom('refuse', 'strict', 'off'),
    force: fc.boolean(),
  },
  { requiredKeys: [] },
)

export const madeUpSystem: fc.Arbitrary<MadeUpSystem> = fc
  .integer({ min: 1, max: 12 })
  .chain((count) =>
    fc.record({
      modules: fc.tuple(...Array.from({ length: count }, (_, i) => moduleAt(i, count))),
      targets: fc.uniqueArray(fc.nat(count - 1), { minLength: 1, maxLength: 4 }),
      options,
    }),
  )

export function build({ modules }: MadeUpSystem): SimulatedKernel {
  const kernel = new SimulatedKernel()
  modules.forEach((module, i) => {
    const name = nameOf(i)
    const uses = module.uses.map(nameOf)
    kernel.addToIndex({ name, uses })
    const { references, permanent, state } = module
    kernel.add(name, { uses, references, permanent, state })
    kernel.policies.set(name, {
      removeCommand: module.removeCommand ? '/bin/true' : null,
      configured: module.configured,
      softDependencies: { pre: module.pre.map(nameOf), post: module.post.map(nameOf) },
    })
    if (module.hasInterface) {
      kernel.snapshotNow.interfaces.push({
        name: `if${i}`,
        netns: null,
        up: true,
        type: null,
        master: null,
        lower: [],
        hasDefaultRoute: i % 2 === 0,
        modules: [name],
      })
    }
  })
  return kernel
}

/** The same, without anything that blocks a removal. */
export const removableSystem: fc.Arbitrary<MadeUpSystem> = madeUpSystem.map((system) => ({
  ...system,
  modules: system.modules.map((module) => ({
    ...module,
    references: 0,
    permanent: false,
    state: 'live' as const,
    removeCommand: false,
    hasInterface: false,
  })),
  options: { holders: 'remove' as const },
}))
