/**
 * What must be true on every system, checked on thousands of made-up ones with a simulated kernel.
 */
import fc from 'fast-check'
import type { KmodError } from '../../lib/contract/errors'
import { Kmod } from '../../lib/kmod'
import type { UnloadReport, UnloadStep } from '../../lib/contract/types'
import {
  build,
  madeUpSystem,
  nameOf,
  plainSystem,
  removableByRmmod,
  removableSystem,
} from '../support/made-up-system'
import type { SimulatedKernel } from '../../lib/testing/simulated-kernel'

const RUNS = 1_500

const loaded = (kernel: SimulatedKernel): string[] => [...kernel.modules.keys()]

interface Facts {
  holders: string[]
  references: number
  permanent: boolean
  state: string
}

/** The state of the kernel, to compare with later. */
const factsOf = (kernel: SimulatedKernel): Map<string, Facts> =>
  new Map(
    [...kernel.modules.values()].map(({ name, permanent, state }) => [
      name,
      {
        holders: kernel.holdersOf(name),
        references: kernel.referencesOf(name),
        permanent,
        state,
      },
    ]),
  )

const settle = async (
  call: Promise<UnloadReport>,
): Promise<{ report: UnloadReport; error: KmodError | null }> =>
  call.then(
    (report) => ({ report, error: null }),
    (error: KmodError) => ({ report: error.report!, error }),
  )

test('an unload removes exactly the modules of a feasible plan, and nothing if it is infeasible', async () => {
  await fc.assert(
    fc.asyncProperty(madeUpSystem, async (system) => {
      const kernel = build(system)
      const kmod = Kmod.over(kernel)
      const before = loaded(kernel)
      const targets = system.targets.map(nameOf)
      const plan = await kmod.plan(targets, system.options)
      const steps = plan.steps.map(({ module }) => module)
      expect(new Set(steps).size).toBe(steps.length)

      const isRequired = ({ reason }: UnloadStep): boolean =>
        reason === 'target' || reason === 'holder'
      // Modules with references that the removal of their holders does not drop.
      const busy = plan.steps.filter(
        (step) =>
          kernel.modules.get(step.module)!.references > 0 &&
          !(system.options.force && isRequired(step)),
      )
      const { report, error } = await settle(kmod.unload(targets, system.options))
      if (plan.feasible && busy.length > 0) {
        for (const step of busy) expect(step).toHaveProperty('undecided')
        const stays = new Set(busy.map(({ module }) => module))
        expect(report.removed.filter((name) => stays.has(name))).toEqual([])
        expect(steps.filter((name) => report.removed.includes(name))).toEqual(report.removed)
        if (error === null) {
          expect(busy.filter(isRequired)).toEqual([])
          const kept = new Set(report.kept.map((one) => one.module))
          // What a module that stays uses is held as well.
          const isHeld = (module: string): boolean =>
            system.modules.some(
              ({ uses }, i) => uses.map(nameOf).includes(module) && kept.has(nameOf(i)),
            )
          for (const module of stays) {
            const reason = isHeld(module) ? 'held' : 'in-use'
            expect(report.kept).toContainEqual({ module, reason })
          }
        } else {
          expect(error.plan).toEqual(plan)
          // A target is in use itself, or a dependency that is in use holds it.
          const holders = error.code === 'ERR_KMOD_HELD' ? error.holders! : [error.module!]
          if (error.code !== 'ERR_KMOD_HELD') expect(error.code).toBe('ERR_KMOD_IN_USE')
          expect(holders.some((name) => !report.removed.includes(name))).toBe(true)
        }
        return
      }
      if (!plan.feasible) {
        expect(error!.code).toBe(plan.blockers[0]!.code)
        expect(error!.plan).toEqual(plan)
        expect(loaded(kernel)).toEqual(before)
        expect(kernel.removals).toEqual([])
        return
      }
      expect(error).toBeNull()
      expect(report.removed).toEqual(steps)
      expect(kernel.removals).toEqual(steps)
      expect(loaded(kernel)).toEqual(before.filter((name) => !steps.includes(name)))
      for (const target of targets) expect(kernel.modules.has(target)).toBe(false)
    }),
    { numRuns: RUNS },
  )
})

test('the reason of every step and the figures of every blocker are true', async () => {
  await fc.assert(
    fc.asyncProperty(madeUpSystem, async (system) => {
      const kernel = build(system)
      const facts = factsOf(kernel)
      const targets = system.targets.map(nameOf)
      const plan = await Kmod.over(kernel).plan(targets, system.options)
      const removed = new Set(plan.steps.map(({ module }) => module))
      const isRequired = (name: string): boolean =>
        plan.steps.some(
          ({ module, reason }) => module === name && ['target', 'holder'].includes(reason),
        )
      plan.steps.forEach((step, i) => {
        const { module, reason } = step
        const undecided = step.action === 'remove' ? (step.undecided ?? 0) : 0
        const isForced = system.options.force === true && isRequired(module)
        if (plan.feasible && !isForced) expect(undecided).toBe(facts.get(module)!.references)
        if (undecided > 0) {
          // No user of the references is known, and they can belong to holders that are removed.
          const { visible, references } = system.modules[Number(module.slice(1))]!
          expect(visible && references > 0).toBe(false)
          expect(facts.get(module)!.holders.length).toBeGreaterThan(0)
          for (const holder of facts.get(module)!.holders) expect(removed).toContain(holder)
        }
        const earlier = new Set(plan.steps.slice(0, i).map((step) => step.module))
        const fact = facts.get(module)!
        // A module is removed after its holders.
        for (const holder of fact.holders) {
          if (removed.has(holder)) expect(earlier).toContain(holder)
        }
        if (reason === 'target') expect(targets).toContain(module)
        if (reason === 'holder') {
          const used = [...facts].filter(([, { holders }]) => holders.includes(module))
          expect(used.some(([name]) => isRequired(name))).toBe(true)
        }
        if (reason === 'dependency' || reason === 'soft-dependency') {
          const { permanent, state, holders } = fact
          expect({ permanent, state }).toEqual({ permanent: false, state: 'live' })
          for (const holder of holders) expect(removed).toContain(holder)
          const { configured, hasInterface } = system.modules[Number(module.slice(1))]!
          expect({ configured, hasInterface }).toEqual({ configured: false, hasInterface: false })
        }
        if (reason === 'dependency') expect(fact.holders.length).toBeGreaterThan(0)
        if (reason === 'soft-dependency') {
          const namers = system.modules.flatMap(({ pre, post }, namer) =>
            [...pre, ...post].map(nameOf).includes(module) ? [nameOf(namer)] : [],
          )
          expect(namers.some(isRequired)).toBe(true)
        }
      })
      for (const blocker of plan.blockers) {
        const fact = facts.get(blocker.module)!
        if (blocker.code === 'ERR_KMOD_HELD') {
          expect(blocker.holders.length).toBeGreaterThan(0)
          expect(fact.holders).toEqual(expect.arrayContaining(blocker.holders))
          for (const holder of blocker.holders) expect(removed).not.toContain(holder)
        }
        if (blocker.code === 'ERR_KMOD_IN_USE') expect(blocker.references).toBe(fact.references)
        if (blocker.code === 'ERR_KMOD_PERMANENT') expect(fact.permanent).toBe(true)
      }
    }),
    { numRuns: RUNS },
  )
})

test('an unload removes what rmmod accepts of the modules that it may remove, and nothing else', async () => {
  let removals = 0
  await fc.assert(
    fc.asyncProperty(plainSystem, async (system) => {
      const kernel = build(system)
      const uses = new Map(system.modules.map((module, i) => [i, module.uses]))
      const reach = (from: Iterable<number>, next: (i: number) => number[]): Set<number> => {
        const reached = new Set(from)
        for (const i of reached) for (const one of next(i)) reached.add(one)
        return reached
      }
      const holdersOf = (i: number): number[] =>
        [...uses.keys()].filter((one) => uses.get(one)!.includes(i))
      const required =
        system.options.holders === 'remove'
          ? reach(system.targets, holdersOf)
          : new Set(system.targets)
      const allowed = reach(required, (i) => uses.get(i)!)
      const removable = removableByRmmod(system, allowed)
      const isPossible = [...required].every((i) => removable.has(i))
      const before = loaded(kernel)

      const kmod = Kmod.over(kernel)
      const plan = await kmod.plan(system.targets.map(nameOf), system.options)
      const { report, error } = await settle(
        kmod.unload(system.targets.map(nameOf), system.options),
      )
      expect(error === null).toBe(isPossible)
      if (isPossible) {
        expect(plan.feasible).toBe(true)
        expect(new Set(report.removed)).toEqual(new Set([...removable].map(nameOf)))
        expect(loaded(kernel)).toEqual(before.filter((name) => !report.removed.includes(name)))
        removals += report.removed.length
      } else if (plan.feasible) {
        // Undecided references were not those of the holders.
        expect(['ERR_KMOD_IN_USE', 'ERR_KMOD_HELD']).toContain(error!.code)
        expect(plan.steps.some((step) => step.action === 'remove' && step.undecided)).toBe(true)
      } else {
        expect(loaded(kernel)).toEqual(before)
      }
    }),
    { numRuns: RUNS },
  )
  expect(removals).toBeGreaterThan(RUNS / 3)
})

test('a dependency that becomes free during the run is removed too', async () => {
  let late = 0
  await fc.assert(
    fc.asyncProperty(plainSystem, fc.nat(3), fc.nat(11), async (system, at, which) => {
      const kernel = build(system)
      const kmod = Kmod.over(kernel)
      const targets = system.targets.map(nameOf)
      const plan = await kmod.plan(targets, system.options)
      const planned = new Set(plan.steps.map(({ module }) => module))
      const outsider = nameOf(which % system.modules.length)
      fc.pre(plan.feasible && !planned.has(outsider) && plan.steps.length > at)
      let count = 0
      kernel.beforeRemoval = () => {
        if (count++ !== at) return
        // Something else stops using a module that stays, and removes it if that is possible.
        kernel.modules.get(outsider)!.references = 0
        if (kernel.holdersOf(outsider).length === 0) kernel.modules.delete(outsider)
      }
      const { report, error } = await settle(kmod.unload(targets, system.options))
      if (error !== null) return
      if (report.removed.some((name) => !planned.has(name))) late++
      // What only a module used that something else removed is not the call's to remove.
      const removed = system.modules.filter((_, i) => report.removed.includes(nameOf(i)))
      const used = new Set(removed.flatMap(({ uses }) => uses))
      for (const name of [...used].map(nameOf)) {
        const module = kernel.modules.get(name)
        if (module?.state !== 'live' || module.permanent) continue
        const users = kernel.holdersOf(name).length + kernel.referencesOf(name)
        expect([name, users]).not.toEqual([name, 0])
      }
    }),
    { numRuns: RUNS / 3 },
  )
  expect(late).toBeGreaterThan(0)
})

test('a dependency that only removed modules use is removed, or kept for a true reason', async () => {
  await fc.assert(
    fc.asyncProperty(madeUpSystem, async (system) => {
      const kernel = build(system)
      const facts = factsOf(kernel)
      const plan = await Kmod.over(kernel).plan(system.targets.map(nameOf), system.options)
      const removed = new Set(plan.steps.map(({ module }) => module))
      const kept = new Set(plan.kept.map(({ module }) => module))
      for (const [name, { holders }] of facts) {
        const usedByRemoved = holders.some((holder) => removed.has(holder))
        if (usedByRemoved && !removed.has(name)) expect(kept).toContain(name)
        if (kept.has(name)) expect(removed).not.toContain(name)
      }
      for (const { module, reason } of plan.kept) {
        const { holders, references, permanent, state } = facts.get(module)!
        if (reason === 'held') expect(holders.some((holder) => !removed.has(holder))).toBe(true)
        if (reason === 'in-use') expect(references).toBeGreaterThan(0)
        if (reason === 'permanent') expect(permanent).toBe(true)
        if (reason === 'transient') expect(state).not.toBe('live')
      }
    }),
    { numRuns: RUNS },
  )
})

/** An event right before the n-th removal. */
const disturbance = fc.record({
  at: fc.nat(8),
  module: fc.nat(11),
  what: fc.constantFrom('busy', 'permanent', 'gone', 'held', 'oops', 'forbidden', 'back'),
})

test('after any failure the report is true, and restore leads back to the first state', async () => {
  await fc.assert(
    fc.asyncProperty(removableSystem, disturbance, fc.boolean(), async (system, wrong, restore) => {
      const kernel = build(system)
      const before = new Set(loaded(kernel))
      const removedByOthers = new Set<string>()
      const name = nameOf(wrong.module % system.modules.length)
      let count = 0
      kernel.beforeRemoval = () => {
        if (count++ !== wrong.at) return
        const module = kernel.modules.get(name)
        if (module === undefined) {
          if (wrong.what === 'back') kernel.add(name)
          return
        }
        if (wrong.what === 'busy') module.references = 1
        if (wrong.what === 'permanent') module.permanent = true
        if (wrong.what === 'oops') module.oops = true
        if (wrong.what === 'forbidden') kernel.factsNow.capability = false
        if (wrong.what === 'held') kernel.add('stranger', { uses: [name] })
        if (wrong.what === 'gone' && kernel.holdersOf(name).length === 0) {
          kernel.modules.delete(name)
          removedByOthers.add(name)
        }
      }
      const targets = system.targets.map(nameOf)
      const { report, error } = await settle(
        Kmod.over(kernel).unload(targets, {
          ...system.options,
          onFailure: restore ? 'restore' : 'stop',
        }),
      )
      kernel.beforeRemoval = undefined

      const returned = new Set([...report.restored, ...report.reappeared])
      for (const module of report.removed) {
        expect(before).toContain(module)
        expect(removedByOthers).not.toContain(module)
        if (!returned.has(module)) expect(kernel.modules.has(module)).toBe(false)
      }
      for (const module of before) {
        if (kernel.modules.has(module)) continue
        const others = removedByOthers.has(module)
        if (!others) expect(report.removed).toContain(module)
        else if (report.steps.some(({ step }) => step.module === module)) {
          expect(report.absent).toContain(module)
        }
      }
      if (error === null) {
        expect(report.failed).toBeNull()
        for (const target of targets) expect(kernel.modules.has(target)).toBe(false)
        return
      }
      if (!restore) {
        expect(report.restored).toEqual([])
        return
      }
      // Each removed module was restored, or the report says why not.
      const accounted = [...report.restored, ...report.notRestored.map(({ module }) => module)]
      expect(accounted.sort()).toEqual([...report.removed].sort())
      for (const module of report.restored) expect(kernel.modules.has(module)).toBe(true)
      if (wrong.what !== 'oops' && wrong.what !== 'forbidden' && wrong.what !== 'gone') {
        // A module that something else loaded again is left as it is.
        const failed = report.notRestored.filter(
          ({ module }) => !report.reappeared.includes(module),
        )
        expect(failed).toEqual([])
        expect(
          loaded(kernel)
            .filter((one) => one !== 'stranger')
            .sort(),
        ).toEqual([...before].sort())
      }
    }),
    { numRuns: RUNS },
  )
})
