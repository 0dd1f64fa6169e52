/** The second half of a reload: loads what was unloaded. */
import { DEFAULT_HUNG_AFTER, type ChangeLimits } from '../change/change'
import type { HealthWatch } from '../change/health'
import { refusalError } from '../change/refusals'
import { throwIfAborted } from '../change/waiting'
import { isKmodError } from '../contract/errors'
import { normalize } from '../contract/names'
import type {
  LoadedModule,
  ModuleFile,
  ReloadOptions,
  UnloadPlan,
  UnloadStep,
} from '../contract/types'
import { Loader } from '../load/loader'
import { parametersByTarget, refuseUndeclared } from '../load/parameters'
import { findTargets } from '../load/targets'
import type { Call } from '../unload/call'
import { findModuleFile, notReloadableError, otherKernel } from '../unload/module-files'
import { removeModule } from '../unload/step'
import type { Sequel } from '../unload/unload'

type LoadStep = UnloadStep & { action: 'load' }

interface Wish {
  /** Null: the targets are loaded by name. */
  file: { file: ModuleFile; module: string } | null
  parameters: Record<string, string>
  between: ReloadOptions['between']
}

export class LoadAgain implements Sequel {
  readonly #limits: ChangeLimits
  #ownParameters = new Map<string, Record<string, string>>()
  #loader: Loader | undefined

  constructor(
    private readonly call: Call,
    private readonly wish: Wish,
  ) {
    const { hungAfter = DEFAULT_HUNG_AFTER, signal } = call.options
    this.#limits = { hungAfter, signal }
  }

  /** The modules that were loaded, in order. */
  get loaded(): readonly string[] {
    return this.#loader?.loaded ?? []
  }

  /** Rejects if a target cannot be loaded, or does not have the parameters. */
  async prepare({ targets, absent }: UnloadPlan): Promise<void> {
    const { kernel, restorer } = this.call
    const { file, parameters } = this.wish
    this.#ownParameters = parametersByTarget(parameters, targets)
    const described = file && (await kernel.index.describeFile(file.file.file))
    if (file !== null) {
      restorer!.acceptFile(file.module)
      const obstacle = await otherKernel(kernel, file.file.file, described!.fields)
      if (obstacle !== null) throw notReloadableError(file.module, obstacle)
    }
    for (const module of targets) {
      await refuseUndeclared(
        kernel,
        { module, file: described },
        this.#ownParameters.get(module) ?? {},
      )
    }
    if (file !== null) return
    // The restorer looks at the files of the modules that are loaded.
    for (const module of absent) {
      const { obstacle } = await findModuleFile(kernel, module, null)
      if (obstacle !== null) throw notReloadableError(module, obstacle)
    }
  }

  async run({ plan, stepsDone, health }: Parameters<Sequel['run']>[0]): Promise<void> {
    const { kernel, draft, callbacks, place, options } = this.call
    const { between } = this.wish
    const before = await kernel.table()
    this.#loader = new Loader(kernel, before, this.#limits, health)
    const claimed = [...plan.targets, ...draft.removed]
    try {
      if (between !== undefined) {
        const soFar = draft.finish(await health.soFar())
        if (await callbacks.run(() => between(soFar))) await place.regain(claimed)
      }
      const steps = this.#steps(plan, before)
      for (const [i, step] of steps.entries()) {
        throwIfAborted(options.signal, `Loading ${step.module}`)
        const position = { index: stepsDone + i, total: stepsDone + steps.length }
        draft.begin(step)
        const start = { step, ...position, state: 'start' as const }
        if (await callbacks.step(start)) await place.regain(claimed)
        draft.countAttempt(step)
        await this.#load(step, this.#loader)
        draft.end(step)
        const done = { step, ...position, state: 'done' as const }
        if (await callbacks.step(done)) await place.regain(claimed)
      }
    } catch (error) {
      await this.#unloadAgain(this.#loader.loaded)
      throw await withMessages(error, health, this.#loader.loaded)
    }
  }

  /** The targets that were not loaded come first: others may need them. */
  #steps({ targets }: UnloadPlan, before: readonly LoadedModule[]): LoadStep[] {
    const { draft } = this.call
    const { file } = this.wish
    const isLoaded = (name: string): boolean => before.some((row) => row.name === name)
    const others = targets.filter((name) => !draft.removed.includes(name) && !isLoaded(name))
    return [...others, ...draft.removed.toReversed()].map((module) => ({
      action: 'load',
      module,
      reason: targets.includes(module) ? 'target' : (draft.removalOf(module)?.reason ?? 'holder'),
      file: file?.module === module ? file.file.file : null,
    }))
  }

  async #load(step: LoadStep, loader: Loader): Promise<void> {
    const { kernel, restorer } = this.call
    const { module } = step
    const isTarget = step.reason === 'target'
    const parameters = (isTarget ? this.#ownParameters.get(module) : undefined) ?? {}
    const isSpecial = step.file !== null || Object.keys(parameters).length > 0
    if (await this.#isPresent(module, isSpecial)) {
      // The reload of another module has loaded it, or udev has.
    } else if (step.file !== null) {
      const { needs } = await findTargets(kernel, this.wish.file!.file, await kernel.table())
      for (const need of needs) await loader.insert({ ...need, mustBeNew: false, parameters: {} })
      const what = { file: step.file }
      await loader.insert({ what, module, mustBeNew: true, parameters })
    } else {
      await loader.insert({ what: module, module, mustBeNew: isSpecial, parameters })
    }
    const isOurs = loader.loaded.includes(module)
    await restorer!.restoreParameters(module, {
      // A target is loaded once, with its configuration and the given parameters.
      mayLoadAgain: isOurs && !isTarget,
      mayWrite: true,
      except: isTarget ? await this.#configured(module, parameters) : [],
    })
  }

  /**
   * Whether the module is loaded already, and may stay so. One that must be loaded from a file or with
   * parameters is removed first if something else has loaded it meanwhile.
   */
  async #isPresent(module: string, isSpecial: boolean): Promise<boolean> {
    const { kernel, draft } = this.call
    if ((await kernel.row(module)) === undefined) return false
    if (!this.loaded.includes(module)) draft.markReappeared(module)
    if (!isSpecial) return true
    const end = await removeModule(kernel, module, false, this.#limits)
    if (end.outcome === 'blocked') throw refusalError(end.blocker)
    if (end.outcome === 'failed') throw end.error
    return false
  }

  /** The parameters of a target that modprobe.d or the caller sets: they count, not the values before. */
  async #configured(module: string, parameters: Record<string, string>): Promise<string[]> {
    const { kernel } = this.call
    const description = await kernel.index.describe(module).catch((error: unknown) => {
      if (!isKmodError(error)) throw error
      return null
    })
    const configured = (description?.options ?? '').split(/\s+/).map((one) => one.split('=')[0]!)
    return [...Object.keys(parameters), ...configured].map(normalize)
  }

  /** After a failure, so that the modules that were loaded before can return. */
  async #unloadAgain(modules: readonly string[]): Promise<void> {
    const { kernel, restorer, draft } = this.call
    for (const module of modules.toReversed()) {
      const end = await removeModule(kernel, module, false, this.#limits)
      if (end.outcome === 'removed' || end.outcome === 'absent') continue
      const why = end.outcome === 'blocked' ? end.blocker.message : end.error.message
      const message = `The reload has loaded it, and it could not be unloaded again. ${why}`
      if (draft.removed.includes(module)) restorer!.giveUp(module, message)
      else draft.notRestored.push({ module, message })
    }
  }
}

/** As in `load`, an error of the kernel has what was logged and what was loaded before it. */
async function withMessages(
  error: unknown,
  health: HealthWatch,
  loaded: readonly string[],
): Promise<unknown> {
  if (!isKmodError(error, 'ERR_KMOD_LOAD')) return error
  const { messages } = await health.soFar()
  return Object.assign(error, { messages, loaded: [...loaded] })
}
