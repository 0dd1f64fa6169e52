/**
 * Random rounds of load, plan and unload with the distribution's modules: the plan, the report and the
 * kernel must agree. 20 rounds, or as many as KMOD_ROUNDS says. KMOD_SEED repeats a run.
 */
import fc from 'fast-check'
import { kmod, type KmodError } from 'node-kmod'
import { loadAll, loaded, removeSince, round, ROUNDS, ROUNDS_TIMEOUT, SEED } from '../../rounds'
import { lsmod } from '../../support'

test(
  `${ROUNDS} rounds, seed ${SEED}`,
  async () => {
    let feasible = 0
    let withUndecided = 0
    for (const { load, unloadDependencyOf, options } of fc.sample(round, {
      numRuns: ROUNDS,
      seed: SEED,
    })) {
      const atFirst = new Set(loaded())
      loadAll(load)
      const added = loaded().filter((name) => !atFirst.has(name))
      const named = load.filter((name) => added.includes(name))
      const targets = unloadDependencyOf && added.length > 0 ? [added.at(-1)!] : named
      const table = lsmod()
      const before = table.map(({ name }) => name)
      // Not those that were loaded by a softdep of a dependency, such as a checksum.
      const used = table.filter(({ users }) => users.length > 0).map(({ name }) => name)

      const plan = await kmod.plan(targets, options)
      const steps = plan.steps.map(({ module }) => module)
      const what = `targets ${targets.join(' ')}, options ${JSON.stringify(options)}`
      const outcome = await kmod.unload(targets, options).catch((error: KmodError) => error)
      const undecided = plan.steps.filter((step) => step.action === 'remove' && step.undecided)
      if (undecided.length > 0) withUndecided++
      if (plan.feasible) {
        feasible++
        const report = 'removed' in outcome ? outcome : outcome.report!
        const stay = steps.filter((name) => !report.removed.includes(name))
        if (undecided.length > 0 && stay.length > 0) {
          // References that were not those of the holders: the module and what it uses stay.
          expect([what, undecided.map(({ module }) => module)]).toEqual([
            what,
            expect.arrayContaining([stay[0]]),
          ])
          if (outcome === report) {
            expect([what, report.kept.map(({ module }) => module)]).toEqual([
              what,
              expect.arrayContaining(stay),
            ])
          } else {
            expect([what, outcome]).toEqual([
              what,
              // A target is in use itself, or a dependency that is in use holds it.
              expect.objectContaining({ code: expect.stringMatching(/IN_USE|HELD/) as string }),
            ])
          }
        } else {
          expect([what, outcome]).toEqual([what, report])
          // The last look of a run removes dependencies that were busy when the plan was made.
          const busy = plan.kept.filter(({ reason }) => reason === 'held' || reason === 'in-use')
          const late = report.removed.slice(steps.length)
          expect([what, report.removed]).toEqual([what, [...steps, ...late]])
          expect([what, busy.map(({ module }) => module)]).toEqual([
            what,
            expect.arrayContaining(late),
          ])
          expect(report.clean).toBe(true)
        }
        expect([what, loaded().sort()]).toEqual([
          what,
          before.filter((name) => !report.removed.includes(name)).sort(),
        ])
        // What was loaded only for the targets is removed too, or the report has the reason.
        if (options.dependencies === 'unused' && targets === named) {
          const kept = report.kept.map(({ module }) => module)
          const orphans = lsmod().filter(
            ({ name, count }) =>
              added.includes(name) && used.includes(name) && count === 0 && !kept.includes(name),
          )
          expect([what, orphans]).toEqual([what, []])
        }
      } else {
        expect((outcome as KmodError).code).toBe(plan.blockers[0]!.code)
        expect([what, loaded()]).toEqual([what, before])
      }
      // The next round starts with the modules that this one started with.
      removeSince(atFirst)
    }
    expect(feasible).toBeGreaterThan(ROUNDS / 4)
    console.log(`${feasible} feasible plans, ${withUndecided} with undecided references`)
  },
  ROUNDS_TIMEOUT,
)
