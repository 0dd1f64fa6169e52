/** What /sys/module says about a module that never changes its state: parameters and source. */
import type { SystemFiles } from './system-files'

/** Those that can be read. */
export async function readParameters(
  files: SystemFiles,
  module: string,
): Promise<Map<string, string>> {
  const folder = `/sys/module/${module}/parameters`
  const [names = []] = await files.list([folder])
  const values = await files.readFiles(names.map((name) => `${folder}/${name}`))
  return new Map(
    names.flatMap((name, i): [string, string][] => {
      const value = values[i]
      // The kernel ends each by a newline that is no part of it.
      return value == null ? [] : [[name, value.replace(/\n$/, '')]]
    }),
  )
}

/** `null`: it has none. */
export async function readSourceVersion(
  files: SystemFiles,
  module: string,
): Promise<string | null> {
  const [text] = await files.readFiles([`/sys/module/${module}/srcversion`])
  const version = text?.trim()
  return version === undefined || version === '' ? null : version
}
