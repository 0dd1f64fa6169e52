/** modprobe and insmod: loads a module and what it needs. */
import { callsOn } from '../change/calls'
import { DEFAULT_HUNG_AFTER, refuseReadOnly, type ChangeLimits } from '../change/change'
import { HealthWatch } from '../change/health'
import type { Place } from '../change/queue'
import { throwIfAborted, waitFor } from '../change/waiting'
import { invalidType, isKmodError } from '../contract/errors'
import { checkAlias } from '../contract/names'
import { abortSignal, checkOptions, flag, timeLimit } from '../contract/options'
import { checkParameters, parametersRule } from '../contract/parameters'
import type { LoadedModule, LoadOptions, LoadReport, ModuleFile } from '../contract/types'
import type { Kernel } from '../kernel/kernel'
import { Loader } from './loader'
import { checkModuleFile, isModuleFile } from './module-file'
import { parametersByTarget, refuseUndeclared } from './parameters'
import {
  findTargets,
  refuseOtherBuild,
  refusePresent,
  refuseTransient,
  type Target,
  type Targets,
} from './targets'

interface Request {
  what: string | ModuleFile
  parameters: Record<string, string>
  mustBeNew: boolean
  limits: ChangeLimits
}

export async function load(kernel: Kernel, what: unknown, options?: unknown): Promise<LoadReport> {
  return (await loadTargets(kernel, what, options)).report
}

/** `targets`: the modules that the call was asked for; the others of `loaded` are their dependencies. */
export async function loadTargets(
  kernel: Kernel,
  what: unknown,
  options?: unknown,
): Promise<{ report: LoadReport; targets: string[] }> {
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

function checkWhat(what: unknown): string | ModuleFile {
  if (isModuleFile(what)) return checkModuleFile(what)
  if (typeof what !== 'string') throw invalidType('what', 'a string or { file: string }', what)
  return checkAlias(what, 'what')
}

interface Planned extends Targets {
  /** The table before anything was loaded. */
  before: LoadedModule[]
}

/** Plans, if necessary again, until no other call works on the modules of the load. */
async function planInTurn(
  kernel: Kernel,
  place: Place,
  { what, limits: { signal } }: Request,
): Promise<Planned> {
  for (;;) {
    const before = await kernel.table()
    const { needs, targets } = await findTargets(kernel, what, before)
    const names = [...needs, ...targets].map(({ module }) => module)
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
): Promise<{ report: LoadReport; targets: string[] }> {
  const ownParameters = parametersByTarget(
    parameters,
    targets.map(({ module }) => module),
  )
  for (const target of targets) {
    if (mustBeNew) refusePresent(target)
    await refuseOtherBuild(kernel, target)
    await refuseUndeclared(kernel, target, ownParameters.get(target.module) ?? {})
  }

  const health = await HealthWatch.begin(kernel, { isLoading: true })
  const loader = new Loader(kernel, before, limits, health)
  let usable: Target[]
  try {
    for (const need of needs) await loader.insert({ ...need, mustBeNew: false, parameters: {} })
    usable = await actOnEach(targets, async (target) => {
      const { module, what, present } = target
      refuseTransient(target, callsOn(kernel).stuck.pid(module))
      if (present !== null) return
      await loader.insert({ what, module, mustBeNew, parameters: ownParameters.get(module) ?? {} })
    })
  } catch (error) {
    const { messages } = await health.finish()
    if (!isKmodError(error)) throw error
    throw Object.assign(error, { messages, loaded: loader.loaded })
  }
  return {
    report: {
      module: usable[0]!.module,
      loaded: loader.loaded,
      alreadyLoaded: targets.every(({ present }) => present !== null),
      ...(await health.finish()),
    },
    targets: usable.map(({ module }) => module),
  }
}

/**
 * Calls `act` for each target and returns the targets for which it succeeded. If an alias stands for
 * several modules, some may fail, as with modprobe: drivers for the same device often exclude each
 * other. Rejects with the first failure if all fail; rejects at once if the call is aborted or a
 * module hangs.
 */
async function actOnEach(
  targets: readonly Target[],
  act: (target: Target) => Promise<void>,
): Promise<Target[]> {
  const failures: unknown[] = []
  const usable: Target[] = []
  for (const target of targets) {
    try {
      await act(target)
      usable.push(target)
    } catch (error) {
      if (!isKmodError(error) || isKmodError(error, 'ERR_KMOD_ABORTED', 'ERR_KMOD_HUNG')) {
        throw error
      }
      failures.push(error)
    }
  }
  if (usable.length === 0) throw failures[0]
  return usable
}
