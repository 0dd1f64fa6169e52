/** Which parameters each module of a load gets, and whether its file declares them. */
import { invalidValue } from '../contract/errors'
import { normalize } from '../contract/names'
import { didYouMean } from '../contract/nearest'
import { declaredParameters } from '../inspect/info'
import type { Kernel } from '../kernel/kernel'
import type { Target } from './targets'

/**
 * The parameters of each target: `quirks` is for all targets, `uvcvideo.quirks` only for uvcvideo.
 */
export function parametersByTarget(
  parameters: Record<string, string>,
  targets: readonly string[],
): Map<string, Record<string, string>> {
  const byTarget = new Map(targets.map((module): [string, Record<string, string>] => [module, {}]))
  for (const [name, value] of Object.entries(parameters)) {
    const dot = name.indexOf('.')
    const owner = dot < 0 ? undefined : byTarget.get(normalize(name.slice(0, dot)))
    if (owner !== undefined) {
      owner[name.slice(dot + 1)] = value
    } else if (dot >= 0 && targets.length > 1) {
      throw invalidValue('options.parameters', 'a parameter of one of the modules to load', name)
    } else {
      for (const own of byTarget.values()) own[name] = value
    }
  }
  return byTarget
}

/**
 * The kernel accepts these for every module. Source: unknown_module_param_cb() in
 * kernel/module/main.c.
 */
const OF_EVERY_MODULE = ['async_probe', 'dyndbg']

/**
 * Throws a TypeError for a parameter that the module's file does not declare: the kernel would only
 * log it. An install command of modprobe.d can accept any.
 */
export async function refuseUndeclared(
  kernel: Kernel,
  { module, file }: Pick<Target, 'module' | 'file'>,
  parameters: Record<string, string>,
): Promise<void> {
  const names = Object.keys(parameters)
  if (names.length === 0) return
  const description = file ?? (await kernel.index.describe(module))
  // A module that is not in the index cannot be loaded: the insertion rejects with the reason.
  if (description === null) return
  // A file is loaded without its install command.
  if (file === null && description.installCommand !== null) return
  const declared = declaredParameters(description.fields).map(({ name }) => name)
  const known = new Set([...declared, ...OF_EVERY_MODULE].map(normalize))
  for (const name of names) {
    if (known.has(normalize(name))) continue
    const expected =
      declared.length === 0
        ? `absent: the file of module ${module} declares no parameters`
        : `one of the parameters that the file of module ${module} declares (${declared.join(', ')})`
    const value = parameters[name]
    throw invalidValue(`options.parameters.${name}`, expected, value, didYouMean(name, declared))
  }
}
