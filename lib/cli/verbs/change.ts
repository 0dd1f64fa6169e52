/** The verbs that change the kernel, and plan. */
import type {
  LoadOptions,
  PlanOptions,
  RemoveOptions,
  UnloadOptions,
  UnloadPlan,
} from '../../index'
import { askConsent, planAnswer, type Proposal } from '../consent'
import { statusOfCode } from '../exit-status'
import {
  DRY_RUN,
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
import { loadReportText, unloadReportText } from '../text/report'
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
  const proposal = await propose(call, call.arguments, pick(call.options, PLAN_OPTIONS))
  const [blocker] = proposal.plan.blockers
  const status = blocker === undefined ? undefined : statusOfCode(blocker.code)
  return planAnswer(call, proposal, status)
}

async function unload(call: Call): Promise<Answer> {
  if (call.options.dryRun === true) return plan(call)
  const { kmod, arguments: names, json, err, out, signal } = call
  const planOptions: PlanOptions = pick(call.options, PLAN_OPTIONS)
  const options: UnloadOptions = { ...planOptions, ...pick(call.options, RUN_OPTIONS) }
  let what: readonly string[] | UnloadPlan = names
  if (call.options.yes !== true) {
    const proposal = await propose(call, names, planOptions)
    // What cannot begin needs no consent: the call says why.
    const refused = (await canBegin(call, proposal.plan, options))
      ? await askConsent(call, proposal)
      : null
    if (refused !== null) return refused
    // What was shown, or found to be harmless, is what runs; nothing if it has changed since.
    what = proposal.plan
  }
  const begin = performance.now()
  const progress = new Progress(err, options.wait ?? 0)
  try {
    const report = await kmod.unload(what, {
      ...options,
      signal,
      ...(!json && progress.callbacks),
    })
    const duration = performance.now() - begin
    return { value: report, text: () => unloadReportText(out, report, duration) }
  } finally {
    progress.end()
  }
}

/** Whether the run would get as far as to change something. */
async function canBegin(
  { kmod, signal }: Call,
  { feasible, blockers }: UnloadPlan,
  { wait = 0 }: UnloadOptions,
): Promise<boolean> {
  const passing = ['ERR_KMOD_IN_USE', 'ERR_KMOD_TRANSIENT']
  if (!feasible && !(wait > 0 && blockers.every(({ code }) => passing.includes(code)))) return false
  return (await kmod.preflight({ signal })).canUnload
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
    const refused = (await canBegin(call, proposal.plan, {}))
      ? await askConsent(call, proposal)
      : null
    if (refused !== null) return refused
  }
  await kmod.remove(name!, { ...removeOptions, signal })
  return { value: null, text: () => out.paint.green(`Removed ${name!}.`) }
}

async function load(call: Call): Promise<Answer> {
  const { kmod, arguments: all, options, signal, out } = call
  const [name, ...more] = all
  const parameters = Object.assign({}, options.parameters, ...more.map(parameterOf)) as Record<
    string,
    string
  >
  const loadOptions: LoadOptions = {
    ...pick(call.options, [MUST_BE_NEW, HUNG_AFTER]),
    ...(Object.keys(parameters).length > 0 && { parameters }),
  }
  const what = isModuleFile(name!) ? { file: name! } : name!
  const report = await kmod.load(what, { ...loadOptions, signal })
  return { value: report, text: () => loadReportText(out, report) }
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
    options: [PARAMETERS, MUST_BE_NEW, HUNG_AFTER],
    examples: [
      ['load dummy numdummies=2', 'with a parameter'],
      ['load ./driver.ko', 'a file that is not installed'],
    ],
    run: load,
  },
]
