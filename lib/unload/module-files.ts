/** The files from which removed modules can be loaded again. */
import { isKmodError, KmodError } from '../contract/errors'
import type { Kernel } from '../kernel/kernel'
import type { Description } from '../kernel/module-index'

/** Why a file cannot be used; `text` is a clause. */
export interface FileObstacle {
  code: 'ERR_KMOD_NOT_FOUND' | 'ERR_KMOD_LOAD'
  text: string
}

/**
 * The file of a module in the module index. `obstacle`: why the module cannot be loaded from it, `null` if
 * it can. `srcVersion`: that of the module that the file must contain; `null`: any build will do.
 */
export async function findModuleFile(
  kernel: Kernel,
  module: string,
  srcVersion: string | null,
): Promise<{ obstacle: FileObstacle | null; fields: Description['fields'] }> {
  const missing = (text: string): FileObstacle => ({ code: 'ERR_KMOD_NOT_FOUND', text })
  let description
  try {
    description = await kernel.index.describe(module)
  } catch (error) {
    if (!isKmodError(error)) throw error
    return { obstacle: missing(error.message.replace(/\.$/, '')), fields: [] }
  }
  if (description?.path == null) {
    return { obstacle: missing('the module index lists no file for it'), fields: [] }
  }
  const { path, fields } = description
  const inFile = fieldOf(fields, 'srcversion')
  if (srcVersion !== null && inFile !== null) {
    const text = `${path} has srcversion ${inFile}, and the loaded module has ${srcVersion}`
    return { obstacle: srcVersion === inFile ? null : missing(text), fields }
  }
  return { obstacle: await otherKernel(kernel, path, fields), fields }
}

/** Why the running kernel would refuse a file; `null`: it was built for this kernel. */
export async function otherKernel(
  kernel: Kernel,
  path: string,
  fields: Description['fields'],
): Promise<FileObstacle | null> {
  const { release } = (await kernel.facts()).kernel
  const vermagic = fieldOf(fields, 'vermagic')
  if (vermagic === null || vermagic.split(' ')[0] === release) return null
  const text = `${path} was built for another kernel: its vermagic is '${vermagic.trim()}', and this kernel is ${release}`
  return { code: 'ERR_KMOD_LOAD', text }
}

function fieldOf(fields: Description['fields'], key: string): string | null {
  return fields.find((one) => one.key === key)?.value ?? null
}

export function notRestorableError(module: string, obstacle: string): KmodError {
  return new KmodError(
    'ERR_KMOD_NOT_FOUND',
    `Module ${module} was not removed, because it could not be loaded again after a failure: ${obstacle}. To unload it without this check, omit onFailure: 'restore'.`,
    { module },
  )
}

export function notReloadableError(module: string, { code, text }: FileObstacle): KmodError {
  const details = code === 'ERR_KMOD_LOAD' ? { messages: [], loaded: [] } : {}
  const message = `Module ${module} was not unloaded, because it could not be loaded again: ${text}.`
  return new KmodError(code, message, { module, ...details })
}
