/** What calls cost while others wait, and while the system does not answer. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { Kmod } from '../../lib/kmod'
import { plan } from '../../lib/plan/plan'
import { simulate } from '../../lib/testing'
import { CapturedSystem, RELEASE } from '../../test/support/captured-system'
import { withFolder } from '../surroundings'
import { kernelWith, makeFamilies } from '../made-up-tables'
import { figureOf, measurePair, sampleOf, type Sample } from '../measure'
import type { Case } from '../row'
import { longestStall } from '../stall'

const DEADLINE = 1_000

/** A configuration file that is a FIFO holds up the helper for ever. */
const silentHelper: Case = {
  name: 'a question to a helper that never answers',
  rows: () =>
    withFolder(async (folder) => {
      execFileSync('mkfifo', [join(folder, 'a.conf')])
      const system = new CapturedSystem().addModules()
      const taken: Sample[] = []
      const stalls: Sample[] = []
      try {
        for (let round = -1; round < 5; round++) {
          const kmod = new Kmod({
            moduleDirectory: system.at(`lib/modules/${RELEASE}`),
            configPaths: [folder],
            timeout: DEADLINE,
          })
          const ask = (): Promise<unknown> =>
            kmod.resolve('dummy').then(
              () => Promise.reject(new Error('The question was answered.')),
              () => undefined,
            )
          let sample: Sample | undefined
          const stall = await longestStall(async () => {
            sample = await sampleOf(ask)
          })
          await kmod.close()
          if (round < 0) continue
          taken.push(sample!)
          stalls.push(stall)
        }
      } finally {
        system.remove()
      }
      // Without the time of the processor, which has that of measuring the stall.
      const { wall, spread } = figureOf(taken)
      return [
        {
          name: 'a question to a helper that never answers',
          ours: { wall, spread },
          baseline: { wall: DEADLINE },
          baselineName: 'its deadline',
          target: { atMost: 1.2 },
        },
        {
          name: 'longest stall during that question',
          ours: figureOf(stalls),
          target: { limit: 10, ofCpu: true },
        },
      ]
    }),
}

const CALLS = 1_000

/** 1,000 calls wait behind one whose module hangs in its exit function; another module is planned. */
const queuedUnloads: Case = {
  name: 'plan() with 1,000 calls queued',
  rows: async () => {
    const modules = [
      { name: 'hanging', exit: { hangs: true } },
      ...Array.from({ length: 200 }, (_, i) => ({ name: `module_${i}` })),
    ]
    const [busy, idle] = [simulate({ modules }), simulate({ modules })]
    for (let i = 0; i < CALLS; i++) {
      // Its clock stands still, so these calls never end.
      void busy.unload('hanging', { guard: 'off', hungAfter: Infinity })
    }
    await busy.plan('module_7', { guard: 'off' })
    return measurePair({
      name: 'plan() with 1,000 calls of unload() queued',
      ours: () => busy.plan('module_7', { guard: 'off' }),
      baseline: () => idle.plan('module_7', { guard: 'off' }),
      baselineName: 'with none (simulated kernel)',
      target: { atMost: 1.5 },
      rounds: 200,
    })
  },
}

/** The time of one is the total divided by their number. */
const plansAtOnce: Case = {
  name: 'plan(), 1,000 at once',
  rows: () =>
    withFolder(async (folder) => {
      const { kernel } = kernelWith(folder, makeFamilies(200))
      const one = (): Promise<unknown> => plan(kernel, ['family_0'], { guard: 'off' })
      const each = async (all: () => Promise<unknown>): Promise<Sample> => {
        const { wall, cpu } = await sampleOf(all)
        return { wall: wall / CALLS, cpu: cpu / CALLS }
      }
      const row = await measurePair({
        name: 'plan(), 1,000 at once, each',
        ours: () => each(() => Promise.all(Array.from({ length: CALLS }, one))),
        baseline: () =>
          each(async () => {
            for (let i = 0; i < CALLS; i++) await one()
          }),
        baselineName: 'one after the other, each',
        target: { atMost: 1.5 },
        rounds: 5,
        block: 1,
      })
      await kernel.close(1_000)
      return row
    }),
}

export const answerCases: readonly Case[] = [silentHelper, queuedUnloads, plansAtOnce]
