import {
  MODULES_DISABLED,
  NO_CAPABILITY,
  NO_MODULES,
  NO_UNLOADING,
  READ_ONLY,
  type Refusal,
} from '../change/refusals'
import type { Preflight } from '../contract/types'
import type { Kernel } from '../kernel/kernel'

/** Whether this process can unload modules here. Resolves on every platform. */
export async function preflight(kernel: Kernel): Promise<Preflight> {
  const facts = await kernel.facts()
  const { modules, unload, forceUnload, modulesDisabled } = facts.kernel
  const problems: Refusal[] = []
  if (kernel.readOnly) problems.push(READ_ONLY)
  if (!modules) problems.push(NO_MODULES)
  else if (!unload) problems.push(NO_UNLOADING)
  if (modulesDisabled) problems.push(MODULES_DISABLED)
  if (!facts.capability && !kernel.readOnly) problems.push(NO_CAPABILITY)
  if (facts.libraryProblem !== null) {
    problems.push({ code: 'ERR_KMOD_LIBRARY', message: facts.libraryProblem })
  }
  const canUnload = problems.length === 0
  return {
    canUnload,
    canForce: canUnload && forceUnload === true,
    problems: problems.map((problem) => ({ ...problem })),
    kernel: facts.kernel,
    capability: facts.capability,
    libkmod: facts.libkmod,
  }
}
