/** modprobe and insmod: loads a module and what it needs. */
import { callsOn } from '../change/calls'
import {
  awaitChange,
  DEFAULT_HUNG_AFTER,
  refuseReadOnly,
  type ChangeLimits,
} from '../change/change'
import { insertionError } from '../change/change-error'
import { HealthWatch } from '../change/health'
import type { Place } from '../change/queue'
import { throwIfAborted, waitFor } from '../change/waiting'
import { invalidType, KmodError } from '../contract/errors'
import { checkAlias } from '../contract/names'
import { abortSignal, checkOptions, flag, timeLimit, type Rule } from '../contract/options'
import { checkParameters } from '../contract/parameters'
import type { LoadedModule, LoadOptions, LoadReport, ModuleParameters } from '../contract/types'
import { checkFile } from '../inspect/info'
import { statusOfAbsent } from '../inspect/status'
import type { Change, InsertRequest, Kernel } from '../kernel/kernel'
import {
  findTargets,
  parametersByTarget,
  refusePresent,
  refuseTransient,
  type Targets,
} from './targets'

const parametersRule: Rule<ModuleParameters> = {
  expected: 'an object',
  accepts: (value): value is ModuleParameters => {
    checkParameters(value) // throws an error that names the parameter
    return true
  },
}

interface Request {
  what: string | { file: string }
  parameters: Record<string, string>
  mustBeNew: boolean
  limits: ChangeLimits
}

export async function load(kernel: Kernel, what: unknown, options?: unknown): Promise<LoadReport> {
  const request = checkRequest(what, options)
  refuseReadOnly(kernel)
  throwIfAborted(request.limits.signal, 'Loading')
  const place = callsOn(kernel).queue.enter()
  try {
    return await loadPlanned(kernel, await planInTurn(kernel, place, request), request)
  } finally {
    place.leave()
  }
}

function checkRequest(what: unknown, options: unknown): Request {
  const checkedWhat = checkWhat(what)
  const checked = checkOptions<LoadOptions>(options, {
    parameters: parametersRule,
    mustBeNew: flag,
    hungAfter: timeLimit,
    signal: abortSignal,
  })
  const parameters = checkParameters(checked.parameters ?? {})
  return {
    what: checkedWhat,
    parameters,
    mustBeNew: (checked.mustBeNew ?? false) || Object.keys(parameters).length > 0,
    limits: { hungAfter: checked.hungAfter ?? DEFAULT_HUNG_AFTER, signal: checked.signal },
  }
}

function checkWhat(what: unknown): string | { file: string } {
  if (typeof what === 'object' && what !== null && 'file' in what) {
    return { file: checkFile(what.file) }
  }
  if (typeof what !== 'string') throw invalidType('what', 'a string or { file: string }', what)
  return checkAlias(what, 'what')
}

interface Planned extends Targets {
  /** The table before anything was loaded. */
  before: LoadedModule[]
}

/** Plans, if necessary again, until no earlier call is at work on the modules of the load. */
async function planInTurn(
  kernel: Kernel,
  place: Place,
  { what, limits: { signal } }: Request,
): Promise<Planned> {
  for (;;) {
    const before = await kernel.table()
    const { needs, targets } = await findTargets(kernel, what, before)
    const names = [...needs, ...targets.map(({ module }) => module)]
    const indirect = (await kernel.index.needs(names)).flat()
    const turn = place.claim([...names, ...indirect])
    if (turn === null) return { before, needs, targets }
    await waitFor(kernel.clock, turn, { signal })
    throwIfAborted(signal, 'Loading')
  }
}

async function loadPlanned(
  kernel: Kernel,
  { before, needs, targets }: Planned,
  { parameters, mustBeNew, limits }: Request,
): Promise<LoadReport> {
  const ownParameters = parametersByTarget(parameters, targets)
  const { stuck } = callsOn(kernel)
  for (const target of targets) refuseTransient(target, stuck.pid(target.module))
  if (mustBeNew) targets.forEach(refusePresent)

  const health = await HealthWatch.begin(kernel)
  const loader = new Loader(kernel, before, limits)
  try {
    for (const module of needs) {
      await loader.insert({ what: module, module, mustBeNew: false, parameters: {} })
    }
    for (const { module, what, present } of targets) {
      if (present !== null) continue
      await loader.insert({ what, module, mustBeNew, parameters: ownParameters.get(module) ?? {} })
    }
  } catch (error) {
    await health.finish()
    throw error
  }
  return {
    module: targets[0]!.module,
    loaded: loader.loaded,
    alreadyLoaded: targets.every(({ present }) => present !== null),
    ...(await health.finish()),
  }
}

/** Inserts modules one after the other, and notes which ones were loaded by that. */
class Loader {
  readonly loaded: string[] = []

  constructor(
    private readonly kernel: Kernel,
    private readonly before: readonly LoadedModule[],
    private readonly limits: ChangeLimits,
  ) {}

  async insert(request: InsertRequest): Promise<void> {
    const { kernel, limits } = this
    const { module } = request
    throwIfAborted(limits.signal, `Loading ${module}`)
    const change = kernel.insert(request)
    const end = await awaitChange(kernel, module, change, limits)
    if (end.outcome === 'abandoned') throw end.error
    const now = await this.#noteLoaded(change)
    if (end.outcome !== 'done') throw await insertionError(kernel, module, change, end)
    if (now.has(module) || (await statusOfAbsent(kernel, module)) === 'builtin') return
    throw new KmodError(
      'ERR_KMOD_LOAD',
      change.attempts.some((attempt) => attempt.command && attempt.module === module)
        ? `The install command of module ${module} in modprobe.d ended with status 0, but the module is not loaded.`
        : `Module ${module} was loaded, and is not loaded any more: something else removed it, or it removed itself.`,
      { module },
    )
  }

  async #noteLoaded({ attempts }: Change): Promise<Set<string>> {
    const now = new Set((await this.kernel.table()).map(({ name }) => name))
    for (const { module } of attempts) {
      const isNew = !this.before.some(({ name }) => name === module)
      if (isNew && now.has(module) && !this.loaded.includes(module)) this.loaded.push(module)
    }
    return now
  }
}
