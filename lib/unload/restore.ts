/**
 * `onFailure: 'restore'`: checks before a removal that the modules can be loaded again, and loads them
 * after a failure.
 */
import { callsOn } from '../change/calls'
import { awaitChange, DEFAULT_HUNG_AFTER } from '../change/change'
import { insertionError, notLoadedError } from '../change/change-error'
import { isKmodError, KmodError } from '../contract/errors'
import type { UnloadStep } from '../contract/types'
import { declaredParameters } from '../inspect/info'
import type { Kernel } from '../kernel/kernel'
import type { ModuleAttributes } from '../kernel/module-attributes'
import type { Description } from '../kernel/module-index'
import type { Draft } from './draft'
import { Polling } from './polling'

/**
 * What sysfs shows for a string parameter that was never set. It must not be passed to a load: the
 * parameter would have this text as its value.
 */
const UNSET = '(null)'

/** What was read about a module before its removal. */
interface Before {
  parameters: ModuleAttributes['parameters']
  srcVersion: string | null
  /** The names of the parameters that its file declares. */
  declared: readonly string[]
  removedByCommand: boolean
}

export class Restorer {
  readonly #before = new Map<string, Before>()
  /** Modules that this call has inserted, with those that they need. */
  readonly #inserted = new Set<string>()

  constructor(
    private readonly kernel: Kernel,
    private readonly draft: Draft,
    /** Milliseconds for each change. */
    private readonly hungAfter: number = DEFAULT_HUNG_AFTER,
  ) {}

  /** Rejects if one of the steps would remove a module that could not be loaded again. */
  async prepare(steps: readonly UnloadStep[]): Promise<void> {
    for (const { module, action } of steps) {
      if (this.#before.has(module)) continue
      const { srcVersion } = await this.kernel.attributes(module)
      const file = await this.#findFile(module, srcVersion)
      if (file.obstacle !== null) {
        throw new KmodError(
          'ERR_KMOD_NOT_FOUND',
          `Module ${module} was not removed, because it could not be loaded again after a failure: ${file.obstacle}. To unload it without this check, omit onFailure: 'restore'.`,
          { module },
        )
      }
      this.#before.set(module, {
        parameters: new Map(),
        srcVersion,
        declared: declaredParameters(file.fields).map(({ name }) => name),
        removedByCommand: action === 'run',
      })
    }
  }

  /** Must be called right before a removal: a parameter can be set while the call waits. */
  async remember(module: string): Promise<void> {
    const before = this.#before.get(module)
    if (before === undefined) return
    const { parameters } = await this.kernel.attributes(module)
    this.#before.set(module, { ...before, parameters })
  }

  /** Loads what was removed, the last one first. The draft records what could not be restored. */
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

  /**
   * The file from which the same module can be loaded again. `obstacle`: why there is none; `null`:
   * there is one.
   */
  async #findFile(
    module: string,
    srcVersion: string | null,
  ): Promise<{ obstacle: string | null; fields: Description['fields'] }> {
    let description
    try {
      description = await this.kernel.index.describe(module)
    } catch (error) {
      if (!isKmodError(error)) throw error
      return { obstacle: error.message.replace(/\.$/, ''), fields: [] }
    }
    if (description?.path == null) {
      return { obstacle: 'the module index lists no file for it', fields: [] }
    }
    const { path, fields } = description
    const field = (key: string): string | null =>
      fields.find((one) => one.key === key)?.value ?? null
    const inFile = field('srcversion')
    if (srcVersion !== null && inFile !== null) {
      const isSame = srcVersion === inFile
      const obstacle = `${path} has srcversion ${inFile}, and the loaded module has ${srcVersion}`
      return { obstacle: isSame ? null : obstacle, fields }
    }
    const { release } = (await this.kernel.facts()).kernel
    const builtFor = field('vermagic')?.split(' ')[0]
    const isForThis = builtFor === undefined || builtFor === release
    const obstacle = `${path} was built for kernel ${builtFor}, and this kernel is ${release}`
    return { obstacle: isForThis ? null : obstacle, fields }
  }

  /** Returns why the module was not restored; `null`: it was. */
  async #restore(module: string): Promise<string | null> {
    const before = this.#before.get(module)!
    if (before.removedByCommand) {
      return 'A remove command of modprobe.d removed it, and what the command did cannot be undone.'
    }
    if ((await this.kernel.row(module)) === undefined) {
      const [needs = []] = await this.kernel.index.needs([module])
      const { stuck } = callsOn(this.kernel)
      const stuckNeed = needs.find((need) => stuck.has(need))
      if (stuckNeed !== undefined) return `It needs ${stuckNeed}, which is stuck inside the kernel.`
      const { obstacle } = await this.#findFile(module, before.srcVersion)
      if (obstacle !== null) return `Not loaded: ${obstacle}.`
      await this.#insert(module, {})
    }
    const isOurs = this.#inserted.has(module)
    if (!isOurs) {
      // udev loads drivers again when the kernel reports their devices, and can be faster.
      this.draft.markReappeared(module)
      await this.#awaitLoaded(module)
    }
    await this.#restoreParameters(module, before, isOurs)
    return null
  }

  /** Waits while something else loads the module. Rejects if it is not loaded in the end. */
  async #awaitLoaded(module: string): Promise<void> {
    const polling = new Polling(this.kernel, this.hungAfter, undefined)
    try {
      for (;;) {
        const row = await this.kernel.row(module)
        if (row?.state === 'live') return
        if (row === undefined || polling.isOver) {
          const state = row === undefined ? 'removed it again' : `is ${row.state} it`
          throw new KmodError(
            'ERR_KMOD_TRANSIENT',
            `Something else loaded module ${module} again, and ${state}.`,
            { module },
          )
        }
        await polling.pause()
      }
    } finally {
      polling.end()
    }
  }

  /**
   * Most modules get the same parameters again from the configuration. If some differ, the module is
   * removed and loaded again with them; but not if something else has loaded it and may already use it.
   */
  async #restoreParameters(
    module: string,
    { parameters, declared }: Before,
    isOurs: boolean,
  ): Promise<void> {
    const readable = [...parameters].flatMap(([name, value]) =>
      value === null ? [] : [{ name, value }],
    )
    const now = (await this.kernel.attributes(module)).parameters
    const different = readable.filter(({ name, value }) => now.get(name) !== value)
    const settable = different.filter(({ value }) => !value.includes(UNSET) && !/["\n]/.test(value))
    if (isOurs && settable.length > 0 && (await this.#removeAgain(module))) {
      const texts = Object.fromEntries(settable.map(({ name, value }) => [name, value]))
      await this.#insert(module, texts).catch(() => this.#insert(module, {}))
    }
    const { parametersLost } = this.draft
    const after = (await this.kernel.attributes(module)).parameters
    for (const { name, value: before } of different) {
      const value = after.get(name) ?? null
      if (value !== before) parametersLost.push({ module, name, before, after: value })
    }
    // Declared with permission 0, or write-only: the value before the removal is not known.
    for (const name of declared.filter((one) => parameters.get(one) == null)) {
      parametersLost.push({ module, name, before: null, after: after.get(name) ?? null })
    }
  }

  async #removeAgain(module: string): Promise<boolean> {
    const change = this.kernel.remove(module, false)
    const end = await awaitChange(this.kernel, module, change, { hungAfter: this.hungAfter })
    if (end.outcome === 'abandoned') throw end.error
    return end.outcome === 'done'
  }

  /** By name: an alias of modprobe.d with the same text can lead to another module. */
  async #insert(module: string, parameters: Record<string, string>): Promise<void> {
    // mustBeNew: a module that something else loads meanwhile must not be changed.
    const request = { what: module, module, mustBeNew: true, parameters }
    const change = this.kernel.insert(request)
    const end = await awaitChange(this.kernel, module, change, { hungAfter: this.hungAfter })
    const isLoaded = (await this.kernel.row(module)) !== undefined
    if (end.outcome !== 'done') {
      const error = await insertionError(this.kernel, request, change, end)
      // Something else has loaded the module after the check.
      if (isKmodError(error, 'ERR_KMOD_ALREADY_LOADED') && isLoaded) return
      throw error
    }
    for (const attempt of change.attempts) this.#inserted.add(attempt.module)
    if (!isLoaded) throw notLoadedError(module, change)
  }
}
