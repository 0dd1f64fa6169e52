/** Attributes of a loaded module in /sys/module other than its state: parameters and versions. */
import { isUtf8 } from 'node:buffer'
import type { SystemFiles } from './system-files'

export interface ModuleAttributes {
  /** `null`, also for `srcVersion`: the module was built without one, or it is not loaded. */
  version: string | null
  srcVersion: string | null
  /**
   * By name. `null`: not readable, or not UTF-8: such a value could not be set again. A parameter that was declared with permission 0 is missing, because
   * /sys/module does not show it.
   */
  parameters: ReadonlyMap<string, string | null>
}

export async function readAttributes(
  files: SystemFiles,
  module: string,
): Promise<ModuleAttributes> {
  const folder = `/sys/module/${module}`
  const [names = []] = await files.listNames([`${folder}/parameters`])
  const [[version, srcVersion], values] = await Promise.all([
    files.readTexts([`${folder}/version`, `${folder}/srcversion`]),
    files.readBytes(names.map((name) => `${folder}/parameters/${name}`)),
  ])
  return {
    version: versionOf(version),
    srcVersion: versionOf(srcVersion),
    // The kernel adds a newline to each value.
    parameters: new Map(
      names.map((name, i) => [name, toText(values[i])?.replace(/\n$/, '') ?? null]),
    ),
  }
}

function toText(bytes: Buffer | null | undefined): string | null {
  return bytes != null && isUtf8(bytes) ? bytes.toString() : null
}

function versionOf(text: string | null | undefined): string | null {
  const version = text?.trim() ?? ''
  return version === '' ? null : version
}
