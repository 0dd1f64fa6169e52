import type { Kernel } from '../kernel/kernel'
import type { Preflight } from '../contract/types'

/** May and can this process unload here. Resolves on every platform. */
export async function preflight(kernel: Kernel): Promise<Preflight> {
  const facts = await kernel.facts()
  const problems: Preflight['problems'] = []
  const found = (code: Preflight['problems'][number]['code'], message: string): void => {
    problems.push({ code, message })
  }
  if (kernel.readOnly) {
    found('ERR_KMOD_READ_ONLY', 'This is another root than the running system.')
  }
  if (!facts.kernel.modules) {
    found(
      'ERR_KMOD_UNSUPPORTED',
      'This kernel has no loadable modules (there is no /proc/modules).',
    )
  } else if (!facts.kernel.unload) {
    found(
      'ERR_KMOD_UNSUPPORTED',
      'This kernel cannot unload modules (it was built without CONFIG_MODULE_UNLOAD).',
    )
  }
  if (facts.kernel.modulesDisabled) {
    found(
      'ERR_KMOD_DISABLED',
      'kernel.modules_disabled is set: nothing can be loaded or unloaded until the next boot.',
    )
  }
  if (!facts.capability && !kernel.readOnly) {
    found(
      'ERR_KMOD_PERMISSION',
      'This process lacks CAP_SYS_MODULE in the initial user namespace: run it as root, outside ' +
        'of containers that drop it.',
    )
  }
  if (facts.libraryProblem !== null) found('ERR_KMOD_LIBRARY', facts.libraryProblem)

  const canUnload = problems.length === 0
  return {
    canUnload,
    canForce: canUnload && facts.kernel.forceUnload === true,
    problems,
    kernel: facts.kernel,
    capability: facts.capability,
    libkmod: facts.libkmod,
  }
}
