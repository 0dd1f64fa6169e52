/**
 * Tells whether a module was removed and loaded again since it was planned: then its folder in
 * /sys/module is another one, and the plan was not made for it.
 */
import type { Kernel, SysModule } from '../kernel/kernel'

export class Identities {
  readonly #planned = new Map<string, string>()

  /** Remembers the modules as they are now, except those that it knows. */
  async remember(kernel: Kernel, modules: readonly string[]): Promise<void> {
    const unknown = modules.filter((module) => !this.#planned.has(module))
    if (unknown.length === 0) return
    const found = await kernel.sysModules(unknown)
    unknown.forEach((module, i) => this.#planned.set(module, found[i]!.identity))
  }

  forget(module: string): void {
    this.#planned.delete(module)
  }

  hasChanged(module: string, now: SysModule | undefined): boolean {
    const planned = this.#planned.get(module) ?? ''
    const identity = now?.identity ?? ''
    // No folder: the module is being removed.
    return planned !== '' && identity !== '' && planned !== identity
  }
}
