/** Systems for property tests: modules that use each other in every way that a kernel allows. */
import fc from 'fast-check'
import type { PlanOptions } from '../../lib/contract/types'
import { SimulatedKernel } from '../../lib/testing/simulated-kernel'
import { openDevice } from './snapshots'

export interface MadeUpModule {
  uses: number[]
  references: number
  /** A visible user holds the references. */
  visible: boolean
  /** References that it takes on the first module that it uses, besides the one of the link. */
  takes: number
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
    visible: fc.boolean(),
    takes: mostly(0, 1, 2),
    permanent: mostly(false, true),
    state: mostly<MadeUpModule['state']>('live', 'loading', 'unloading'),
    removeCommand: mostly(false, true),
    configured: mostly(false, true),
    hasInterface: mostly(false, true),
    // Any module, also the module itself, and in cycles. The index after the last one is not loaded.
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
    const takes: Record<string, number> =
      module.takes > 0 && uses[0] ? { [uses[0]]: module.takes } : {}
    kernel.add(name, { uses, references, takes, permanent, state })
    for (let fd = 0; module.visible && fd < references; fd++) {
      kernel.snapshotNow.openDevices.push(
        openDevice(1000 + i, `/dev/${name}`, { fd, modules: [name] }),
      )
    }
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

/** Only what the kernel itself checks: any dependency that nothing uses is removed. */
export const plainSystem: fc.Arbitrary<MadeUpSystem> = fc
  .tuple(madeUpSystem, fc.constantFrom<'refuse' | 'remove'>('refuse', 'remove'))
  .map(([system, holders]) => ({
    ...system,
    modules: system.modules.map((module) => ({
      ...module,
      removeCommand: false,
      configured: false,
      hasInterface: false,
      pre: [],
      post: [],
    })),
    options: { holders },
  }))

/**
 * What rmmod removes of some modules if it is tried with each of them again and again. A removal
 * never prevents another one, so the order does not matter.
 */
export function removableByRmmod(
  { modules }: MadeUpSystem,
  allowed: ReadonlySet<number>,
): Set<number> {
  const removed = new Set<number>()
  for (let before = -1; before !== removed.size;) {
    before = removed.size
    for (const i of allowed) {
      const { references, permanent, state } = modules[i]!
      const holders = modules.filter(({ uses }, j) => uses.includes(i) && !removed.has(j))
      if (state === 'live' && !permanent && references === 0 && holders.length === 0) removed.add(i)
    }
  }
  return removed
}
