/**
 * `onFailure: 'restore'`: checks before a removal that the modules can be loaded again, and loads them
 * after a failure.
 */
import { callsOn } from '../change/calls'
import { awaitChange } from '../change/change'
import { insertionError, notLoadedError } from '../change/change-error'
import { isKmodError, KmodError } from '../contract/errors'
import type { UnloadStep } from '../contract/types'
import { declaredParameters } from '../inspect/info'
import type { Kernel } from '../kernel/kernel'
import type { ModuleAttributes } from '../kernel/module-attributes'
import type { Draft } from './draft'
import { findModuleFile, notReloadableError, notRestorableError } from './module-files'
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

  /** Modules that must not be loaded again, and why. */
  readonly #impossible = new Map<string, string>()
  /** Modules that are loaded from a given file, so that the index need not have one. */
  readonly #given = new Set<string>()
  readonly #hungAfter: number
  /** In a reload, the file of a module may have been replaced since the module was loaded. */
  readonly #isReload: boolean

  /** `hungAfter`: milliseconds for each change. */
  constructor(
    private readonly kernel: Kernel,
    private readonly draft: Draft,
    { hungAfter, isReload }: { hungAfter: number; isReload: boolean },
  ) {
    this.#hungAfter = hungAfter
    this.#isReload = isReload
  }

  /** A reload loads the module from a given file. */
  acceptFile(module: string): void {
    this.#given.add(module)
  }

  /** The module cannot be restored, for example because another version of it could not be removed. */
  giveUp(module: string, why: string): void {
    this.#impossible.set(module, why)
  }

  /** Rejects if one of the steps would remove a module that could not be loaded again. */
  async prepare(steps: readonly UnloadStep[]): Promise<void> {
    for (const { module, action } of steps) {
      if (this.#before.has(module)) continue
      const { srcVersion } = await this.kernel.attributes(module)
      const file = await findModuleFile(this.kernel, module, this.#isReload ? null : srcVersion)
      if (file.obstacle !== null && !this.#given.has(module)) {
        throw this.#isReload
          ? notReloadableError(module, file.obstacle)
          : notRestorableError(module, file.obstacle.text)
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

  /** Returns why the module was not restored; `null`: it was. */
  async #restore(module: string): Promise<string | null> {
    const before = this.#before.get(module)!
    const { stuck } = callsOn(this.kernel)
    if (this.#impossible.has(module)) return this.#impossible.get(module)!
    if (stuck.has(module)) return `It is stuck inside the kernel, in process ${stuck.pid(module)}.`
    if (before.removedByCommand) {
      return 'A remove command of modprobe.d removed it, and what the command did cannot be undone.'
    }
    if ((await this.kernel.row(module)) === undefined) {
      const [needs = []] = await this.kernel.index.needs([module])
      const stuckNeed = needs.find((need) => stuck.has(need))
      if (stuckNeed !== undefined) return `It needs ${stuckNeed}, which is stuck inside the kernel.`
      const { obstacle } = await findModuleFile(this.kernel, module, before.srcVersion)
      if (obstacle !== null) return `Not loaded: ${obstacle.text}.`
      await this.#insert(module, {})
    }
    const isOurs = this.#inserted.has(module)
    if (!isOurs) {
      // udev loads drivers again when the kernel reports their devices, and can be faster.
      this.draft.markReappeared(module)
      await this.#awaitLoaded(module)
    }
    await this.restoreParameters(module, { mayLoadAgain: isOurs })
    return null
  }

  /** Waits while something else loads the module. Rejects if it is not loaded in the end. */
  async #awaitLoaded(module: string): Promise<void> {
    const polling = new Polling(this.kernel, this.#hungAfter, undefined)
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
   * Most modules get the same parameters again from the configuration. With `mayWrite`, those that differ
   * are written to sysfs. For the rest, the module is removed and loaded again with them, if
   * `mayLoadAgain`: not if something else has loaded it and may already use it. (A restore only loads
   * again: an init function may have used a value that sysfs can write as well.) `except`: parameters
   * that are to have other values than before.
   */
  async restoreParameters(
    module: string,
    {
      mayLoadAgain,
      mayWrite = false,
      except = [],
    }: { mayLoadAgain: boolean; mayWrite?: boolean; except?: readonly string[] },
  ): Promise<void> {
    const before = this.#before.get(module)
    if (before === undefined) return
    const isMeant = (name: string): boolean => !except.includes(name)
    const parameters = new Map([...before.parameters].filter(([name]) => isMeant(name)))
    const declared = before.declared.filter(isMeant)
    const readable = [...parameters].flatMap(([name, value]) =>
      value === null ? [] : [{ name, value }],
    )
    const findDifferent = async (): Promise<typeof readable> => {
      const now = (await this.kernel.attributes(module)).parameters
      return readable.filter(({ name, value }) => now.get(name) !== value)
    }
    const isSettable = ({ value }: { value: string }): boolean =>
      !value.includes(UNSET) && !/["\n]/.test(value)
    const different = await findDifferent()
    for (const { name, value } of mayWrite ? different.filter(isSettable) : []) {
      await this.#write(module, name, value)
    }
    const settable = (different.length === 0 ? [] : await findDifferent()).filter(isSettable)
    if (mayLoadAgain && settable.length > 0 && (await this.#removeAgain(module))) {
      // Those that were written are lost with this removal.
      const texts = different.filter(isSettable).map(({ name, value }) => [name, value])
      const all = Object.fromEntries(texts) as Record<string, string>
      await this.#insert(module, all).catch(() => this.#insert(module, {}))
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

  /** The kernel refuses a parameter that is not writable; its value shows whether it was written. */
  async #write(module: string, name: string, value: string): Promise<void> {
    const change = this.kernel.setParameter(module, name, value)
    const end = await awaitChange(this.kernel, module, change, { hungAfter: this.#hungAfter })
    if (end.outcome === 'abandoned') throw end.error
  }

  async #removeAgain(module: string): Promise<boolean> {
    const change = this.kernel.remove(module, false)
    const end = await awaitChange(this.kernel, module, change, { hungAfter: this.#hungAfter })
    if (end.outcome === 'abandoned') throw end.error
    return end.outcome === 'done'
  }

  /** By name: an alias of modprobe.d with the same text can lead to another module. */
  async #insert(module: string, parameters: Record<string, string>): Promise<void> {
    // mustBeNew: a module that something else loads meanwhile must not be changed.
    const request = { what: module, module, mustBeNew: true, parameters }
    const change = this.kernel.insert(request)
    const end = await awaitChange(this.kernel, module, change, { hungAfter: this.#hungAfter })
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
