/** Attributes of a loaded module in /sys/module that never change its state: parameters, source version. */
import type { SystemFiles } from './system-files'

/** The parameters that are readable. */
export async function readParameters(
  files: SystemFiles,
  module: string,
): Promise<Map<string, string>> {
  const folder = `/sys/module/${module}/parameters`
  const [names = []] = await files.listNames([folder])
  const values = await files.readTexts(names.map((name) => `${folder}/${name}`))
  return new Map(
    names.flatMap((name, i): [string, string][] => {
      const value = values[i]
      // The kernel adds a newline to each value.
      return value == null ? [] : [[name, value.replace(/\n$/, '')]]
    }),
  )
}

/** `null`: the module was built without one. */
export async function readSourceVersion(
  files: SystemFiles,
  module: string,
): Promise<string | null> {
  const [text] = await files.readTexts([`/sys/module/${module}/srcversion`])
  const version = text?.trim()
  return version === undefined || version === '' ? null : version
}
