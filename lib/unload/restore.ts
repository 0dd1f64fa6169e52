/**
 * `onFailure: 'restore'`: checks first that modules can be loaded again, and loads them after a
 * failure.
 */
import { callsOn } from '../change/calls'
import { awaitChange, DEFAULT_HUNG_AFTER } from '../change/change'
import { insertionError } from '../change/change-error'
import { isKmodError, KmodError } from '../contract/errors'
import type { UnloadStep } from '../contract/types'
import type { Kernel } from '../kernel/kernel'
import type { Draft } from './draft'

/**
 * What sysfs shows for a string parameter that was never set. Set to this text, it would have the
 * text as value.
 */
const UNSET = '(null)'

const LIMITS = { hungAfter: DEFAULT_HUNG_AFTER }

/** What is known of a module from the time when it was loaded. */
interface Before {
  parameters: ReadonlyMap<string, string>
  sourceVersion: string | null
  removedByCommand: boolean
}

export class Restorer {
  readonly #before = new Map<string, Before>()
  /** Modules that this call has inserted, with those that they need. */
  readonly #inserted = new Set<string>()

  constructor(
    private readonly kernel: Kernel,
    private readonly draft: Draft,
  ) {}

  /** Rejects if one of the steps would remove a module that could not be loaded again. */
  async prepare(steps: readonly UnloadStep[]): Promise<void> {
    for (const { module, action } of steps) {
      if (this.#before.has(module)) continue
      const sourceVersion = await this.kernel.sourceVersion(module)
      const obstacle = await this.#obstacle(module, sourceVersion)
      if (obstacle !== null) {
        throw new KmodError(
          'ERR_KMOD_NOT_FOUND',
          `Module ${module} could not be restored after a failure: ${obstacle}. It was not removed. To unload without a way back, omit onFailure: 'restore'.`,
          { module },
        )
      }
      const removedByCommand = action === 'run'
      this.#before.set(module, { parameters: new Map(), sourceVersion, removedByCommand })
    }
  }

  /** To be called right before a removal: a parameter can be set while the call waits. */
  async remember(module: string): Promise<void> {
    const before = this.#before.get(module)
    if (before === undefined) return
    this.#before.set(module, { ...before, parameters: await this.kernel.parameters(module) })
  }

  /** Loads what was removed, the last one first. The draft tells what could not be restored. */
  async restore(): Promise<void> {
    const { removed, restored, notRestored } = this.draft
    for (const module of removed.toReversed()) {
      try {
        const problem = await this.#restore(module)
        if (problem === null) restored.push(module)
        else notRestored.push({ module, message: problem })
      } catch (error) {
        if (!isKmodError(error)) throw error
        notRestored.push({ module, message: error.message })
      }
    }
  }

  /** Why the module's file would not bring back the module that is loaded; `null` if it would. */
  async #obstacle(module: string, sourceVersion: string | null): Promise<string | null> {
    let description
    try {
      description = await this.kernel.index.describe(module)
    } catch (error) {
      if (isKmodError(error)) return error.message.replace(/\.$/, '')
      throw error
    }
    if (description?.path == null) return 'the module index has no file of it'
    const field = (key: string): string | null =>
      description.fields.find((one) => one.key === key)?.value ?? null
    const inFile = field('srcversion')
    if (sourceVersion !== null && inFile !== null) {
      return sourceVersion === inFile
        ? null
        : `${description.path} has srcversion ${inFile}, and the loaded module has ${sourceVersion}`
    }
    const { release } = (await this.kernel.facts()).kernel
    const builtFor = field('vermagic')?.split(' ')[0]
    return builtFor === undefined || builtFor === release
      ? null
      : `${description.path} was built for kernel ${builtFor}, and this is ${release}`
  }

  /** Returns why the module was not restored; `null`: it was. */
  async #restore(module: string): Promise<string | null> {
    const before = this.#before.get(module)!
    if (before.removedByCommand) {
      return 'A remove command of modprobe.d removed it, and what the command did cannot be undone.'
    }
    const isLoaded = (await this.kernel.row(module)) !== undefined
    if (isLoaded && !this.#inserted.has(module)) {
      this.draft.markReappeared(module)
      return 'Something else has loaded it again. It was left as it is.'
    }
    const [needs = []] = await this.kernel.index.needs([module])
    const { stuck } = callsOn(this.kernel)
    const stuckNeed = needs.find((need) => stuck.has(need))
    if (stuckNeed !== undefined) return `It needs ${stuckNeed}, which is stuck inside the kernel.`
    const obstacle = await this.#obstacle(module, before.sourceVersion)
    if (obstacle !== null) return `Not loaded: ${obstacle}.`
    if (!isLoaded) await this.#insert(module, {})
    await this.#restoreParameters(module, before.parameters)
    return null
  }

  /**
   * Most modules get their parameters back from the configuration. Where that is not enough, the
   * module is loaded once more, with the parameters that differ.
   */
  async #restoreParameters(module: string, before: ReadonlyMap<string, string>): Promise<void> {
    const now = await this.kernel.parameters(module)
    const different = [...before].filter(([name, value]) => now.get(name) !== value)
    const settable = different.filter(([, value]) => !value.includes(UNSET) && !/["\n]/.test(value))
    if (settable.length > 0 && (await this.#removeAgain(module))) {
      await this.#insert(module, Object.fromEntries(settable)).catch(() => this.#insert(module, {}))
    }
    for (const [name, value] of different) {
      const after = (await this.kernel.parameters(module)).get(name) ?? null
      if (after === value) continue
      this.draft.parametersLost.push({ module, name, before: value, after })
    }
  }

  async #removeAgain(module: string): Promise<boolean> {
    const change = this.kernel.remove(module, false)
    const end = await awaitChange(this.kernel, module, change, LIMITS)
    if (end.outcome === 'abandoned') throw end.error
    return end.outcome === 'done'
  }

  async #insert(module: string, parameters: Record<string, string>): Promise<void> {
    // mustBeNew: a module that something else loads meanwhile is not ours to change.
    const change = this.kernel.insert({ what: module, module, mustBeNew: true, parameters })
    const end = await awaitChange(this.kernel, module, change, LIMITS)
    for (const attempt of change.attempts) this.#inserted.add(attempt.module)
    if (end.outcome !== 'done') throw await insertionError(this.kernel, module, change, end)
  }
}
