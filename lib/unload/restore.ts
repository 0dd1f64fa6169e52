/** Putting back what an unload took out: before, whether it can be done; after, the doing. */
import { awaitChange, DEFAULT_HUNG_AFTER, stuckModules } from '../change/change'
import { isKmodError, KmodError } from '../contract/errors'
import type { Kernel } from '../kernel/kernel'
import { insertionError } from '../change/insertion-error'
import type { UnloadStep } from '../contract/types'
import type { Draft } from './draft'

/** What a charp parameter shows that was never set; given back, it would be taken for a text. */
const UNSET = '(null)'

/** What is known of a module while it is still loaded. */
interface Before {
  parameters: Map<string, string>
  sourceVersion: string | null
  byCommand: boolean
}

export class Restorer {
  readonly #before = new Map<string, Before>()
  /** What came in with an insertion of ours. */
  readonly #inserted = new Set<string>()

  constructor(
    private readonly kernel: Kernel,
    private readonly draft: Draft,
  ) {}

  /** Rejects where one of the steps takes out what could not come back. */
  async prepare(steps: readonly UnloadStep[]): Promise<void> {
    for (const step of steps) {
      if (this.#before.has(step.module)) continue
      const sourceVersion = await this.kernel.sourceVersion(step.module)
      const obstacle = await this.#obstacle(step.module, sourceVersion)
      if (obstacle !== null) {
        throw new KmodError(
          'ERR_KMOD_NOT_FOUND',
          `Module ${step.module} could not be restored if the unload failed: ${obstacle}. Nothing of it was touched; unload without onFailure: 'restore' if that is acceptable.`,
          { module: step.module },
        )
      }
      const byCommand = step.action === 'run'
      this.#before.set(step.module, { parameters: new Map(), sourceVersion, byCommand })
    }
  }

  /** Right before a module goes: whoever set a parameter while we waited meant it. */
  async remember(module: string): Promise<void> {
    const before = this.#before.get(module)
    if (before !== undefined) before.parameters = await this.kernel.parameters(module)
  }

  /** Loads what was removed, newest first. What does not work out stands in the draft. */
  async restore(): Promise<void> {
    for (const module of this.draft.removed.toReversed()) {
      try {
        const problem = await this.#restore(module)
        if (problem === null) this.draft.restored.push(module)
        else this.draft.notRestored.push({ module, message: problem })
      } catch (error) {
        if (!isKmodError(error)) throw error
        this.draft.notRestored.push({ module, message: error.message })
      }
    }
  }

  /** Why a module's file would not give the module back. */
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
        : `${description.path} is another version (srcversion ${inFile}) than the loaded one (${sourceVersion})`
    }
    const { release } = (await this.kernel.facts()).kernel
    const builtFor = field('vermagic')?.split(' ')[0]
    return builtFor === undefined || builtFor === release
      ? null
      : `${description.path} was built for the kernel ${builtFor}, and this is ${release}`
  }

  /** `null`: it is back. */
  async #restore(module: string): Promise<string | null> {
    const before = this.#before.get(module)!
    if (before.byCommand) {
      return 'A remove command of modprobe.d took it out; what that did cannot be undone.'
    }
    const isBack = (await this.kernel.row(module)) !== undefined
    if (isBack && !this.#inserted.has(module)) {
      this.draft.markReappeared(module)
      return 'Somebody else has loaded it again: it is left as it is.'
    }
    const [needs = []] = await this.kernel.index.needs([module])
    const stuck = needs.find((need) => stuckModules().includes(need))
    if (stuck !== undefined) return `It needs ${stuck}, which is stuck inside the kernel.`
    const obstacle = await this.#obstacle(module, before.sourceVersion)
    if (obstacle !== null) return `Not loaded: ${obstacle}.`
    if (!isBack) await this.#insert(module, {})
    await this.#restoreParameters(module, before.parameters)
    return null
  }

  /**
   * With its configuration alone a module mostly comes back as it was. Where it does not, it is
   * loaded once more, with the parameters that differ.
   */
  async #restoreParameters(module: string, before: ReadonlyMap<string, string>): Promise<void> {
    const lost = await this.#differences(module, before)
    const settable = lost.filter(({ text }) => !text.includes(UNSET) && !/["\n]/.test(text))
    if (settable.length > 0 && (await this.#removeAgain(module))) {
      await this.#insert(
        module,
        Object.fromEntries(settable.map(({ name, text }) => [name, text])),
      ).catch(() => this.#insert(module, {}))
    }
    for (const { name, text } of lost) {
      const after = (await this.kernel.parameters(module)).get(name) ?? null
      if (after === text) continue
      this.draft.parametersLost.push({ module, name, before: text, after })
    }
  }

  async #differences(
    module: string,
    before: ReadonlyMap<string, string>,
  ): Promise<{ name: string; text: string }[]> {
    const now = await this.kernel.parameters(module)
    return [...before]
      .filter(([name, text]) => now.get(name) !== text)
      .map(([name, text]) => ({ name, text }))
  }

  async #removeAgain(module: string): Promise<boolean> {
    const patience = { hungAfter: DEFAULT_HUNG_AFTER }
    const change = this.kernel.remove(module, false)
    return (await awaitChange(this.kernel.clock, module, change, patience)).outcome === 'done'
  }

  async #insert(module: string, parameters: Record<string, string>): Promise<void> {
    // Should somebody else have been faster, the module is not ours to change.
    const change = this.kernel.insert({ what: module, module, mustBeNew: true, parameters })
    const patience = { hungAfter: DEFAULT_HUNG_AFTER }
    const end = await awaitChange(this.kernel.clock, module, change, patience)
    for (const attempt of change.attempts) this.#inserted.add(attempt.module)
    if (end.outcome !== 'done') throw await insertionError(this.kernel, module, change, end)
  }
}
