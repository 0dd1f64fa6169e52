/** The verbs plan, unload and reload. */
import { isKmodError, KmodError, type UnloadOptions, type UnloadPlan } from '../../index'
import { askIfItCanBegin, isHarmless, planAnswer, propose, type Proposal } from '../consent'
import { DONE, statusOfCode } from '../exit-status'
import { DRY_RUN, FILES, PARAMETERS, pick, PLAN_OPTIONS, RUN_OPTIONS, YES_OPTION } from '../options'
import { Progress } from '../progress'
import { changedPlanText } from '../text/plan'
import { reloadReportText, unloadReportText } from '../text/report'
import type { Answer, Argument, Call, Verb } from '../verb'
import { isModuleFile } from './inspect'
import { splitParameters } from './load'

const NAMES: Argument = {
  name: 'NAME',
  help: 'names or aliases',
  several: true,
  completes: 'loaded',
}

async function plan(call: Call): Promise<Answer> {
  const options = pick(call.options, [...PLAN_OPTIONS, ...RUN_OPTIONS])
  return answerToPlan(call, await propose(call, call.arguments, options))
}

function answerToPlan(call: Call, proposal: Proposal): Promise<Answer> {
  const [blocker] = proposal.plan.blockers
  return planAnswer(call, proposal, blocker === undefined ? DONE : statusOfCode(blocker.code))
}

async function unload(call: Call): Promise<Answer> {
  if (call.options.dryRun === true) return plan(call)
  const { kmod, arguments: names, options: given, out, signal } = call
  const options: UnloadOptions = pick(given, [...PLAN_OPTIONS, ...RUN_OPTIONS])
  const run = async (what: readonly string[] | UnloadPlan): Promise<Answer> => {
    const { result, duration } = await withProgress(call, options, (callbacks) =>
      kmod.unload(what, { ...options, signal, ...callbacks }),
    )
    return { value: result, text: () => unloadReportText(out, result, duration) }
  }
  if (given.yes === true) return run(names)
  for (let attempts = 1; ; attempts++) {
    const proposal = await propose(call, names, options)
    const refusal = await askIfItCanBegin(call, proposal, options)
    if (refusal !== null) return refusal
    try {
      // The plan that was shown, or found to be harmless, is the plan that runs.
      return await run(proposal.plan)
    } catch (error) {
      // A harmless plan is not shown to the user, so it can be computed again.
      const retry = isHarmless(proposal) && attempts < MOST_ATTEMPTS
      if (!retry || !isKmodError(error, 'ERR_KMOD_PLAN_CHANGED')) throw error
    }
  }
}

/** While other programs load and unload modules, a plan can change before it runs. */
const MOST_ATTEMPTS = 5

async function reload(call: Call): Promise<Answer> {
  const { kmod, options: given, out, signal } = call
  const { targets, parameters } = splitParameters(call)
  const [first] = targets
  const file = isModuleFile(first!) ? { file: first!, ...pick(given, [FILES]) } : null
  const names = file === null ? targets : [(await kmod.info(file, { signal })).name]
  const options: UnloadOptions = {
    // The default of reload().
    dependencies: 'keep',
    ...pick(given, [...PLAN_OPTIONS, ...RUN_OPTIONS]),
    ...(file !== null && { allowUnknown: true }),
  }
  const proposal = await propose(call, names, options)
  if (given.dryRun === true) return answerToPlan(call, proposal)
  if (given.yes !== true) {
    const refusal = await askIfItCanBegin(call, proposal, options)
    if (refusal !== null) return refusal
    refuseChanges(proposal, await propose(call, names, options))
  }
  const { result, duration } = await withProgress(call, options, (callbacks) =>
    kmod.reload(file ?? names, { ...options, ...parameters, signal, ...callbacks }),
  )
  return { value: result, text: () => reloadReportText(out, result, duration) }
}

/** A reload takes no plan, so the plan that was shown is compared just before it. */
function refuseChanges(shown: Proposal, { plan: now, effects }: Proposal): void {
  const outline = ({ plan: { steps, blockers }, effects: found }: Proposal): string =>
    JSON.stringify([steps, blockers.map(({ code, module }) => [code, module]), found])
  if (outline(shown) === outline({ plan: now, effects })) return
  const details = { plan: now, changes: [] }
  throw new KmodError('ERR_KMOD_PLAN_CHANGED', changedPlanText([]), details)
}

type Callbacks = Pick<UnloadOptions, 'onStep' | 'onBlocked'>

/** Runs a change; shows its steps on stderr, unless a program reads the answer. */
async function withProgress<T>(
  { json, err }: Call,
  { wait = 0 }: UnloadOptions,
  change: (callbacks: Callbacks) => Promise<T>,
): Promise<{ result: T; duration: number }> {
  const begin = performance.now()
  const progress = new Progress(err, wait)
  try {
    const result = await change(json ? {} : progress.callbacks)
    return { result, duration: performance.now() - begin }
  } finally {
    progress.end()
  }
}

export const UNLOAD_VERBS: readonly Verb[] = [
  {
    name: 'plan',
    group: 'Plan and change',
    summary: 'show what an unload would do, and change nothing',
    description: 'The exit status is 0 if nothing blocks, else that of the first blocker.',
    arguments: [NAMES],
    options: [...PLAN_OPTIONS, ...RUN_OPTIONS],
    examples: [
      ['plan br_netfilter', 'what goes with it, in which order, and what stays'],
      ['plan llc --holders remove --json', 'for programs'],
    ],
    run: plan,
  },
  {
    name: 'unload',
    group: 'Plan and change',
    summary: 'unload modules and what only they use; ask if something would stop working',
    description:
      'Without a terminal, or with --json, it cannot ask: an unload that needs consent runs only with --yes.',
    arguments: [NAMES],
    options: [DRY_RUN, YES_OPTION, ...PLAN_OPTIONS, ...RUN_OPTIONS],
    examples: [
      ['unload br_netfilter', 'also bridge, stp and llc, if nothing else uses them'],
      ['unload uvcvideo --wait 30s', 'wait until it is not in use any more'],
      ['unload usb_storage --release mount', 'unmount first what is mounted from it'],
      ['unload nvme --dry-run', 'the plan only'],
    ],
    run: unload,
  },
  {
    name: 'reload',
    group: 'Plan and change',
    summary: 'unload modules and load them again, as one transaction',
    description: 'If loading fails, what was unloaded is loaded again. It asks as unload does.',
    arguments: [
      { name: 'NAME', help: 'names or aliases, or one .ko file', completes: 'loaded' },
      {
        name: 'NAME|PARAMETER=VALUE',
        help: 'more names, and parameters as with --parameters',
        optional: true,
        several: true,
        completes: [],
      },
    ],
    options: [DRY_RUN, YES_OPTION, PARAMETERS, FILES, ...PLAN_OPTIONS, ...RUN_OPTIONS],
    examples: [
      ['reload snd_hda_intel power_save=0', 'with another parameter'],
      ['reload ./driver.ko --holders remove', 'a new build, with the modules that use it'],
    ],
    run: reload,
  },
]
