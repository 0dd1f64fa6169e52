import { blockerError, transientBlocker } from '../change/blocker'
import {
  awaitChange,
  DEFAULT_HUNG_AFTER,
  refuseReadOnly,
  throwIfAborted,
  whenAborted,
  type Patience,
} from '../change/change'
import { invalidType, invalidValue, KmodError } from '../contract/errors'
import { HealthWatch } from '../change/health'
import { checkFile } from '../inspect/info'
import { statusOfAbsent } from '../inspect/status'
import type { Change, InsertRequest, Kernel } from '../kernel/kernel'
import { checkAlias, isName, normalize } from '../contract/names'
import { abortSignal, checkOptions, duration, flag, type Rule } from '../contract/options'
import { checkParameters } from '../contract/parameters'
import { takeTurn } from '../change/queue'
import type { LoadedModule, LoadOptions, LoadReport, ModuleParameters } from '../contract/types'
import { insertionError } from '../change/insertion-error'

const parametersRule: Rule<ModuleParameters> = {
  expected: 'an object',
  accepts: (value): value is ModuleParameters => {
    checkParameters(value) // which throws an error of its own
    return true
  },
}

/** One module that is to be there afterwards. */
interface Target {
  module: string
  what: InsertRequest['what']
  present: LoadedModule['state'] | 'builtin' | null
}

/** Puts a module in, with what it needs. */
export async function load(kernel: Kernel, what: unknown, options?: unknown): Promise<LoadReport> {
  const wanted = checkWhat(what)
  const checked = checkOptions<LoadOptions>(options, {
    parameters: parametersRule,
    mustBeNew: flag,
    hungAfter: duration,
    signal: abortSignal,
  })
  const parameters = checkParameters(checked.parameters ?? {})
  const patience = { hungAfter: checked.hungAfter ?? DEFAULT_HUNG_AFTER, signal: checked.signal }
  const mustBeNew = (checked.mustBeNew ?? false) || Object.keys(parameters).length > 0
  refuseReadOnly(kernel)
  throwIfAborted(patience.signal, 'Loading')

  const { found, turn } = await takeTurn(
    async () => {
      const before = await kernel.table()
      const { needs, targets } = await findTargets(kernel, wanted, before)
      const names = [...needs, ...targets.map(({ module }) => module)]
      const below = (await kernel.index.needs(names)).flat()
      return { found: { before, needs, targets }, touches: [...names, ...below] }
    },
    (come) => untilAborted(come, patience.signal),
  )
  try {
    return await loadFound(kernel, found, { parameters, mustBeNew, patience })
  } finally {
    turn.leave()
  }
}

/** Waits for something, or until the signal aborts. */
async function untilAborted(what: Promise<unknown>, signal?: AbortSignal): Promise<void> {
  const over = new AbortController()
  await Promise.race([what, whenAborted(signal, over.signal)])
  over.abort()
  throwIfAborted(signal, 'Loading')
}

interface Found {
  before: LoadedModule[]
  needs: string[]
  targets: Target[]
}

async function loadFound(
  kernel: Kernel,
  { before, needs, targets }: Found,
  {
    parameters,
    mustBeNew,
    patience,
  }: { parameters: Record<string, string>; mustBeNew: boolean; patience: Patience },
): Promise<LoadReport> {
  const shares = shareOut(parameters, targets)
  targets.forEach(refuseTransient)
  if (mustBeNew) for (const target of targets) refusePresent(target)

  const health = await HealthWatch.begin(kernel)
  const loader = new Loader(kernel, before, patience)
  try {
    for (const module of needs) {
      await loader.insert({ what: module, module, mustBeNew: false, parameters: {} })
    }
    for (const { module, what, present } of targets) {
      if (present !== null) continue
      await loader.insert({ what, module, mustBeNew, parameters: shares.get(module) ?? {} })
    }
  } catch (error) {
    await health.finish()
    throw error
  }
  return {
    module: targets[0]!.module,
    loaded: loader.loaded,
    alreadyLoaded: targets.every((target) => target.present !== null),
    ...(await health.finish()),
  }
}

function checkWhat(what: unknown): string | { file: string } {
  if (typeof what === 'object' && what !== null && 'file' in what) {
    return { file: checkFile(what.file) }
  }
  if (typeof what !== 'string') throw invalidType('what', 'a string or { file: string }', what)
  return checkAlias(what, 'what')
}

async function findTargets(
  kernel: Kernel,
  what: string | { file: string },
  table: readonly LoadedModule[],
): Promise<{ needs: string[]; targets: Target[] }> {
  if (typeof what !== 'string') {
    const { name, fields } = await kernel.index.describeFile(what.file)
    const depends = fields.find((field) => field.key === 'depends')?.value.split(',') ?? []
    return {
      needs: depends.filter((need) => need !== ''),
      targets: [{ module: name, what, present: loadedState(table, name) }],
    }
  }
  const name = isName(what) ? normalize(what) : null
  // A loaded module's name wins over an alias.
  const state = name === null ? null : loadedState(table, name)
  if (name !== null && state !== null) {
    return { needs: [], targets: [{ module: name, what, present: state }] }
  }
  const [matches = []] = await kernel.index.lookup([what])
  const modules = matches.length > 0 ? [...new Set(matches)] : name === null ? [] : [name]
  const targets = await Promise.all(
    modules.map(async (module): Promise<Target> => {
      const builtin = async (): Promise<boolean> =>
        (await statusOfAbsent(kernel, module)) === 'builtin'
      const present = loadedState(table, module) ?? ((await builtin()) ? 'builtin' : null)
      return { module, what, present }
    }),
  )
  if (matches.length === 0 && targets.every((target) => target.present === null)) {
    throw new KmodError(
      'ERR_KMOD_NOT_FOUND',
      `There is no module or alias ${what} to load: the module index does not have it. For a module from elsewhere, name its file: load({ file }).`,
      name === null ? {} : { module: name },
    )
  }
  return { needs: [], targets }
}

function loadedState(table: readonly LoadedModule[], name: string): LoadedModule['state'] | null {
  return table.find((module) => module.name === name)?.state ?? null
}

function refuseTransient({ module, present }: Target): void {
  if (present !== 'loading' && present !== 'unloading') return
  throw blockerError(transientBlocker(module, present))
}

function refusePresent({ module, present }: Target): void {
  if (present === null) return
  throw new KmodError(
    present === 'builtin' ? 'ERR_KMOD_BUILTIN' : 'ERR_KMOD_ALREADY_LOADED',
    present === 'builtin'
      ? `Module ${module} is compiled into the kernel: it cannot be loaded anew, nor take parameters now.`
      : `Module ${module} is loaded already: it would not take the parameters. Unload it first, or reload it.`,
    { module },
  )
}

/** Each target's parameters: `quirks` for all, `uvcvideo.quirks` for the one it names. */
function shareOut(
  parameters: Record<string, string>,
  targets: readonly Target[],
): Map<string, Record<string, string>> {
  const shares = new Map(
    targets.map(({ module }): [string, Record<string, string>] => [module, {}]),
  )
  for (const [name, value] of Object.entries(parameters)) {
    const dot = name.indexOf('.')
    const owner = dot < 0 ? undefined : shares.get(normalize(name.slice(0, dot)))
    if (owner !== undefined) {
      owner[name.slice(dot + 1)] = value
    } else if (dot >= 0 && targets.length > 1) {
      throw invalidValue('options.parameters', 'of a module that is to be loaded', name)
    } else {
      for (const share of shares.values()) share[name] = value
    }
  }
  return shares
}

/** Inserts, and keeps account of what came in. */
class Loader {
  readonly loaded: string[] = []

  constructor(
    private readonly kernel: Kernel,
    private readonly before: readonly LoadedModule[],
    private readonly patience: Patience,
  ) {}

  async insert(request: InsertRequest): Promise<void> {
    const { module } = request
    throwIfAborted(this.patience.signal, `Loading ${module}`)
    const change = this.kernel.insert(request)
    const end = await awaitChange(this.kernel.clock, module, change, this.patience)
    const now = await this.#account(change)
    if (end.outcome !== 'done') throw await insertionError(this.kernel, module, change, end)
    if (now.has(module) || (await statusOfAbsent(this.kernel, module)) === 'builtin') return
    throw new KmodError(
      'ERR_KMOD_LOAD',
      change.attempts.some((attempt) => attempt.command && attempt.module === module)
        ? `The install command of ${module} in modprobe.d ran and ended well, but the module is not loaded.`
        : `Module ${module} was loaded, and is gone again: somebody removed it, or it removed itself.`,
      { module },
    )
  }

  async #account(change: Change): Promise<Set<string>> {
    const now = new Set((await this.kernel.table()).map(({ name }) => name))
    for (const { module } of change.attempts) {
      const isNew = !this.before.some(({ name }) => name === module)
      if (isNew && now.has(module) && !this.loaded.includes(module)) this.loaded.push(module)
    }
    return now
  }
}
