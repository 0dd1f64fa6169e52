/**
 * Random rounds of load, plan and unload in which something goes wrong at a random moment, while another
 * user creates and deletes namespaces. The report and the kernel must agree after each round, and at the
 * end nothing may be left. KMOD_SEED repeats the rounds; the moments also depend on the machine.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import { Kmod, type KmodError, type UnloadReport } from 'node-kmod'
import { childrenOf, NOBODY } from '../processes'
import { loadAll, loaded, removeSince, round, ROUNDS, ROUNDS_TIMEOUT, SEED } from '../rounds'
import {
  afterThisTest,
  isInKernel,
  letReturn,
  modprobe,
  MODULE_DIRECTORY,
  rejection,
  until,
} from '../support'

/**
 * With a longer deadline for questions than the default: rounds may run for hours beside other work. What
 * never answers is tested elsewhere.
 */
const kmod = new Kmod({ timeout: 60_000 })

/** The newest kernel has no test modules: there `stuck` is another round without a fault. */
const HAS_TEST_MODULES = existsSync(`${MODULE_DIRECTORY}/extra/kmodtest_hang_exit.ko`)
const FAULTS = ['none', 'helper killed', 'signal aborted', 'worker terminated', 'stuck'] as const
type Fault = (typeof FAULTS)[number]

const faultyRound = fc.record({
  round,
  fault: fc.constantFrom(...FAULTS),
  /** Milliseconds from the begin of the call until the fault. */
  after: fc.integer({ min: 0, max: 250 }),
  /** Which of the helpers is killed. */
  victim: fc.nat(),
})

/** What a call may reject with because of the fault. */
const FAULT_CODES: Record<Fault, readonly string[]> = {
  none: [],
  'helper killed': ['ERR_KMOD_SYSTEM', 'ERR_KMOD_FORMAT', 'ERR_KMOD_NO_ANSWER'],
  'signal aborted': ['ERR_KMOD_ABORTED'],
  'worker terminated': [],
  stuck: [],
}

const nameOf = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim()
  } catch {
    return ''
  }
}

/** The roles of all helpers of the guest, and of their children. */
const helpers = (): string[] =>
  readdirSync('/proc')
    .map((name) => (/^\d+$/.test(name) ? nameOf(Number(name)) : ''))
    .filter((role) => role.startsWith('kmod-'))

/** The targets of the open descriptors: sockets and pipes without their number. */
const descriptors = (): string[] =>
  readdirSync('/proc/self/fd')
    .flatMap((fd) => {
      try {
        return [readlinkSync(`/proc/self/fd/${fd}`).replace(/:\[\d+\]$/, '')]
      } catch {
        return [] // the folder itself
      }
    })
    .sort()

/** Copies of captured systems, and other files of the package. The host may have left some. */
const temporaryFiles = (): string[] =>
  ['/run', tmpdir()].flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.startsWith('node-kmod-'))
      .map((name) => join(folder, name)),
  )

/** Creates and deletes mount and network namespaces, without a pause, as a user without privileges. */
function startChurn(): void {
  const visit = 'mount -t tmpfs none /mnt; ip link add churn type dummy; ip link del churn'
  const script = `while :; do unshare --user --map-root-user --mount --net sh -c '${visit}'; done`
  const churn = spawn(NOBODY[0]!, [...NOBODY.slice(1), 'sh', '-c', script], {
    stdio: 'ignore',
    detached: true,
  })
  afterThisTest(async () => {
    const ended = once(churn, 'exit')
    process.kill(-churn.pid!, 'SIGKILL')
    await ended
  })
}

/** Kills one of the helpers of this process, if there is one. */
function killHelper(victim: number): void {
  const candidates = childrenOf(process.pid).filter((pid) => nameOf(pid).startsWith('kmod-'))
  const pid = candidates[victim % candidates.length]
  if (pid !== undefined) process.kill(pid, 'SIGKILL')
}

/** No round loads it, and no other module uses it. */
const OF_WORKER = 'loop'

/** A worker that asks and changes, one call after the other, and is terminated in the middle. */
async function terminateWorker(after: number): Promise<void> {
  const worker = new Worker(
    `const { kmod } = require('node-kmod')
     const { parentPort } = require('node:worker_threads')
     const ignore = () => undefined
     ;(async () => {
       parentPort.postMessage('ready')
       for (;;) {
         await kmod.load('${OF_WORKER}').catch(ignore)
         await kmod.explain('${OF_WORKER}').catch(ignore)
         await kmod.unload('${OF_WORKER}').catch(ignore)
       }
     })()`,
    { eval: true },
  )
  await once(worker, 'message')
  await delay(after)
  await worker.terminate()
}

/** An exit function hangs until this is called. */
async function hang(): Promise<() => Promise<void>> {
  const name = 'kmodtest_hang_exit'
  modprobe(name)
  afterThisTest(() => letReturn(name))
  const error = await rejection(kmod.unload(name, { hungAfter: 200 }))
  expect(error).toMatchObject({ code: 'ERR_KMOD_HUNG', report: { removed: [] } })
  return async () => {
    letReturn(name)
    await until('the stuck module is removed', () => !isInKernel(name))
  }
}

type Outcome = UnloadReport | KmodError

interface Inputs {
  targets: string[]
  options: object
  fault: Fault
  after: number
  victim: number
}

/** One unload during which the fault happens. */
async function unloadWithFault({
  targets,
  options,
  fault,
  after,
  victim,
}: Inputs): Promise<Outcome> {
  const controller = new AbortController()
  const release = fault === 'stuck' && HAS_TEST_MODULES ? await hang() : undefined
  const unloading = kmod
    .unload(targets, { ...options, signal: controller.signal })
    .catch((error: KmodError) => error)
  if (fault === 'worker terminated') await terminateWorker(after)
  if (fault === 'helper killed' || fault === 'signal aborted') await delay(after)
  if (fault === 'helper killed') killHelper(victim)
  if (fault === 'signal aborted') controller.abort()
  const outcome = await unloading
  await release?.()
  return outcome
}

const increase = (counts: Map<string, number>, key: string): void =>
  void counts.set(key, (counts.get(key) ?? 0) + 1)

const show = (counts: ReadonlyMap<string, number>): string =>
  [...counts]
    .sort()
    .map(([key, count]) => `${key}: ${count}`)
    .join('; ')

test(
  `${ROUNDS} rounds with faults, seed ${SEED}`,
  async () => {
    // The churning user would load it.
    modprobe('dummy')
    // Afterwards Node has opened what it opens once.
    await kmod.unload('kmodtest_nothing').catch(() => undefined)
    await kmod.close()
    const openBefore = descriptors()
    const filesBefore = temporaryFiles()
    startChurn()
    const counts = new Map<string, number>()
    const rounds = fc.sample(faultyRound, { numRuns: ROUNDS, seed: SEED })
    for (const [index, { round: each, fault, after, victim }] of rounds.entries()) {
      const { load, unloadDependencyOf, options } = each
      const atFirst = new Set(loaded())
      loadAll(load)
      const added = loaded().filter((name) => !atFirst.has(name))
      const named = load.filter((name) => added.includes(name))
      const targets = unloadDependencyOf && added.length > 0 ? [added.at(-1)!] : named
      // The kernel may finish what the worker of an earlier round has begun.
      const before = loaded().filter((name) => name !== OF_WORKER)
      const what = `round ${index}, ${fault} after ${after} ms, targets ${targets.join(' ')}, options ${JSON.stringify(options)}`

      const plan = await kmod.plan(targets, options)
      const outcome = await unloadWithFault({ targets, options, fault, after, victim })
      const code = 'removed' in outcome ? 'done' : outcome.code
      increase(counts, `${fault}: ${code}`)
      const report = 'removed' in outcome ? outcome : outcome.report
      const removed = report?.removed ?? []

      // A helper that was killed leaves a removal to the kernel, which may finish it later.
      const inDoubt = FAULT_CODES['helper killed'].includes(code)
        ? report?.failed?.step.module
        : null
      const now = loaded()
      const gone = before.filter((name) => !now.includes(name) && name !== inDoubt)
      const expected = removed.filter((name) => name !== inDoubt)
      expect([what, gone.sort()]).toEqual([what, expected.sort()])
      const allowed = [
        ...FAULT_CODES[fault],
        // What the kernel decided about references that the plan could not explain.
        ...(plan.feasible ? ['ERR_KMOD_IN_USE', 'ERR_KMOD_HELD'] : [plan.blockers[0]!.code]),
      ]
      if (code !== 'done') expect([what, allowed]).toEqual([what, expect.arrayContaining([code])])
      removeSince(atFirst)
      // A campaign of hours shows how far it is, also if it fails later.
      if ((index + 1) % 25 === 0) console.log(`${index + 1} rounds: ${show(counts)}`)
    }
    console.log(`All ${ROUNDS} rounds: ${show(counts)}`)

    // A call that is not disturbed works as before.
    modprobe('vfat')
    expect(await kmod.unload('vfat')).toMatchObject({
      removed: expect.arrayContaining(['vfat']) as string[],
    })

    await kmod.close()
    // What is killed or terminated takes a moment to end.
    await until('no helper is left', () => helpers().length === 0).catch(() => undefined)
    expect(helpers()).toEqual([])
    expect(descriptors()).toEqual(openBefore)
    expect(readdirSync('/sys/kernel/tracing/instances')).toEqual([])
    expect(temporaryFiles().filter((path) => !filesBefore.includes(path))).toEqual([])
  },
  ROUNDS_TIMEOUT,
)
