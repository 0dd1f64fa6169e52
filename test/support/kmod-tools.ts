/** What the tools of kmod print and read, for tests that compare node-kmod/libkmod with them. */
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

/** Files that depmod reads. */
const TEXTS = ['modules.order', 'modules.builtin', 'modules.builtin.modinfo']

/** What modinfo prints about one module. `parms`: each parameter with its type, "name:text (type)". */
export interface Printed {
  fields: string[]
  parms: string[]
}

/** `modinfo -0` prints values verbatim. Each module begins with its file, a built-in with its name. */
export function parseModinfo(text: string, begin: RegExp): Map<string, Printed> {
  const modules = new Map<string, Printed>()
  let printed: Printed = { fields: [], parms: [] }
  for (const field of text.split('\0')) {
    const [, subject] = begin.exec(field) ?? []
    if (subject !== undefined) {
      printed = { fields: [], parms: [] }
      modules.set(subject, printed)
    } else if (field.startsWith('parm: ')) {
      printed.parms.push(field.replace(/^parm: +/, ''))
    } else if (field !== '' && !field.startsWith('filename:')) {
      printed.fields.push(field)
    }
  }
  for (const { parms } of modules.values()) parms.sort()
  return modules
}

/** The same from info(). modinfo joins `parm` and `parmtype`, and prints them last. */
export function asPrinted(info: readonly { key: string; value: string }[]): Printed {
  const parms = new Map<string, { text?: string; type?: string }>()
  for (const { key, value } of info) {
    if (key !== 'parm' && key !== 'parmtype') continue
    const at = value.indexOf(':')
    const name = value.slice(0, at)
    const rest = value.slice(at + 1)
    parms.set(name, { ...parms.get(name), [key === 'parm' ? 'text' : 'type']: rest })
  }
  return {
    fields: info.flatMap(({ key, value }) =>
      /^parm(type)?$/.test(key) ? [] : [`${key}=${value}`],
    ),
    parms: [...parms]
      .map(([name, { text, type }]) =>
        text === undefined
          ? `${name}:${type}`
          : `${name}:${text}${type === undefined ? '' : ` (${type})`}`,
      )
      .sort(),
  }
}

export const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '')
export const everyNth = <T>(list: readonly T[], count: number): T[] => {
  const step = Math.max(1, Math.floor(list.length / count))
  return list.filter((_, i) => i % step === 0).slice(0, count)
}

/** A copy of the sample, and of what it needs, so that each depmod writes its own indexes beside it. */
export function copyTree(
  names: readonly string[],
  release: string,
  from: string,
  root: string,
): string {
  const directory = join(root, 'lib/modules', release)
  const deps = new Map(
    lines(readFileSync(join(from, 'modules.dep'), 'utf8')).map((line) => {
      const [file = '', ...rest] = line.split(/:? /).filter((word) => word !== '')
      return [file.replace(/:$/, ''), rest]
    }),
  )
  const wanted = new Set(
    [...deps].flatMap(([file, rest]) => (names.includes(file) ? [file, ...rest] : [])),
  )
  for (const file of wanted) {
    mkdirSync(dirname(join(directory, file)), { recursive: true })
    copyFileSync(join(from, file), join(directory, file))
  }
  for (const text of TEXTS) copyFileSync(join(from, text), join(directory, text))
  return directory
}

export const moduleOf = (file: string): string =>
  basename(file)
    .replace(/\.ko.*$/, '')
    .replaceAll('-', '_')
