/** The verbs that change the kernel, and plan. */
import type {
  LoadOptions,
  PlanOptions,
  RemoveOptions,
  UnloadOptions,
  UnloadPlan,
} from '../../index'
import { askConsent, isHarmless, planAnswer, type Proposal } from '../consent'
import { DONE, statusOfCode } from '../exit-status'
import {
  DRY_RUN,
  FILES,
  FORCE,
  HUNG_AFTER,
  MUST_BE_NEW,
  PARAMETERS,
  parameterOf,
  pick,
  PLAN_OPTIONS,
  RUN_OPTIONS,
  YES_OPTION,
} from '../options'
import { Progress } from '../progress'
import { loadReportText, reloadReportText, unloadReportText } from '../text/report'
import type { Answer, Argument, Call, Verb } from '../verb'
import { isModuleFile } from './inspect'

const NAMES: Argument = {
  name: 'NAME',
  help: 'names or aliases',
  several: true,
  completes: 'loaded',
}

/** The plan, and the effects of its steps: with the guard off, the plan does not look for them. */
async function propose(
  { kmod, signal }: Call,
  names: readonly string[],
  options: PlanOptions,
): Promise<Proposal> {
  const plan = await kmod.plan(names, { ...options, signal })
  const removed = [...new Set(plan.steps.map(({ module }) => module))]
  const effects =
    plan.options.guard === 'off' && removed.length > 0
      ? await kmod.impact(removed, { signal })
      : plan.effects
  return { plan, effects }
}

async function plan(call: Call): Promise<Answer> {
  const planOptions = pick(call.options, PLAN_OPTIONS)
  return answerToPlan(call, await propose(call, call.arguments, planOptions))
}

function answerToPlan(call: Call, proposal: Proposal): Promise<Answer> {
  const [blocker] = proposal.plan.blockers
  return planAnswer(call, proposal, blocker === undefined ? DONE : statusOfCode(blocker.code))
}

async function unload(call: Call): Promise<Answer> {
  if (call.options.dryRun === true) return plan(call)
  const { kmod, arguments: names, options: given, out, signal } = call
  const planOptions: PlanOptions = pick(given, PLAN_OPTIONS)
  const options: UnloadOptions = { ...planOptions, ...pick(given, RUN_OPTIONS) }
  const run = async (what: readonly string[] | UnloadPlan): Promise<Answer> => {
    const { result, duration } = await withProgress(call, options, (callbacks) =>
      kmod.unload(what, { ...options, signal, ...callbacks }),
    )
    return { value: result, text: () => unloadReportText(out, result, duration) }
  }
  if (given.yes === true) return run(names)
  for (let attempts = 1; ; attempts++) {
    const proposal = await propose(call, names, planOptions)
    const refusal = await askIfItCanBegin(call, proposal, options)
    if (refusal !== null) return refusal
    try {
      // What was shown, or found to be harmless, is what runs.
      return await run(proposal.plan)
    } catch (error) {
      // Nobody has seen the plan, for example of a module that is not in use any more.
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
  const planOptions: PlanOptions = {
    dependencies: 'keep',
    ...pick(given, PLAN_OPTIONS),
    ...(file !== null && { allowUnknown: true }),
  }
  const options: UnloadOptions = { ...planOptions, ...pick(given, RUN_OPTIONS) }
  const proposal = await propose(call, names, planOptions)
  if (given.dryRun === true) return answerToPlan(call, proposal)
  if (given.yes !== true) {
    const refusal = await askIfItCanBegin(call, proposal, options)
    if (refusal !== null) return refusal
    refuseChanges(proposal, await propose(call, names, planOptions))
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
  throw new KmodError(
    'ERR_KMOD_PLAN_CHANGED',
    'The plan has changed since it was shown. Nothing was changed. Run the command again to see the new plan.',
    { plan: now, changes: [] },
  )
}

/** What cannot begin needs no consent: the call itself says why. */
async function askIfItCanBegin(
  call: Call,
  proposal: Proposal,
  options: UnloadOptions,
): Promise<Answer | null> {
  return (await canBegin(call, proposal.plan, options)) ? askConsent(call, proposal) : null
}

const CODES: Readonly<Record<WaitedFor, KmodErrorCode>> = {
  'in-use': 'ERR_KMOD_IN_USE',
  transient: 'ERR_KMOD_TRANSIENT',
  held: 'ERR_KMOD_HELD',
}

async function canBegin(
  { kmod, signal }: Call,
  { feasible, blockers }: UnloadPlan,
  { wait = 0, waitFor = ['in-use', 'transient'] }: UnloadOptions,
): Promise<boolean> {
  const passing = waitFor.map((blocker) => CODES[blocker])
  if (!feasible && !(wait > 0 && blockers.every(({ code }) => passing.includes(code)))) return false
  return (await kmod.preflight({ signal })).canUnload
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

async function remove(call: Call): Promise<Answer> {
  const { kmod, arguments: names, options, signal, out } = call
  const [name] = names
  const removeOptions: RemoveOptions = pick(call.options, [FORCE, HUNG_AFTER])
  if (options.yes !== true) {
    // The plan of what rmmod does: this module, and nothing else.
    const proposal = await propose(call, names, {
      ...{ guard: 'off', dependencies: 'keep', softDependencies: false, commands: 'skip' },
      force: removeOptions.force,
    })
    const refusal = await askIfItCanBegin(call, proposal, {})
    if (refusal !== null) return refusal
  }
  await kmod.remove(name!, { ...removeOptions, signal })
  return { value: null, text: () => out.paint.green(`Removed ${name!}.`) }
}

async function load(call: Call): Promise<Answer> {
  const { kmod, options: given, signal, out } = call
  const { targets, parameters } = splitParameters(call)
  const [name, extra] = targets
  if (extra !== undefined) parameterOf(extra) // throws: it is not NAME=VALUE
  const options: LoadOptions = { ...pick(given, [MUST_BE_NEW, HUNG_AFTER]), ...parameters }
  const what = isModuleFile(name!) ? { file: name!, ...pick(given, [FILES]) } : name!
  const report = await kmod.load(what, { ...options, signal })
  return { value: report, text: () => loadReportText(out, report) }
}

/** After the first argument, what contains `=` is a parameter, as for modprobe. */
function splitParameters({ arguments: [first, ...others], options }: Call): {
  targets: string[]
  parameters: { parameters?: ModuleParameters }
} {
  const isParameter = (text: string): boolean => text.includes('=')
  const parameters = Object.assign(
    {},
    options.parameters,
    ...others.filter(isParameter).map(parameterOf),
  ) as ModuleParameters
  return {
    targets: [first!, ...others.filter((text) => !isParameter(text))],
    parameters: Object.keys(parameters).length === 0 ? {} : { parameters },
  }
}

export const CHANGE_VERBS: readonly Verb[] = [
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
    summary: 'unload modules with what only they use; ask if something stops working',
    description:
      'Without a terminal, or with --json, it asks nothing: what needs consent runs only with --yes.',
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
    name: 'remove',
    group: 'Plan and change',
    summary: 'remove one module as rmmod does; most users want unload',
    description: 'It asks if something would stop working. There is no plan and no guard.',
    arguments: [{ ...NAMES, help: 'the name of a module', several: false }],
    options: [YES_OPTION, FORCE, HUNG_AFTER],
    examples: [['remove dummy', 'fails if it is in use']],
    run: remove,
  },
  {
    name: 'load',
    group: 'Plan and change',
    summary: 'load a module with its dependencies and its configuration',
    arguments: [
      { name: 'NAME', help: 'a name, an alias, or a .ko file', completes: 'modules' },
      {
        name: 'PARAMETER=VALUE',
        help: 'parameters of the module, as --parameters',
        optional: true,
        several: true,
        completes: [],
      },
    ],
    options: [PARAMETERS, FILES, MUST_BE_NEW, HUNG_AFTER],
    examples: [
      ['load dummy numdummies=2', 'with a parameter'],
      ['load ./driver.ko', 'a file that is not installed'],
    ],
    run: load,
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
