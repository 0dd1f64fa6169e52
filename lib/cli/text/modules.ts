/** Modules, and the system, as text. */
import { printable } from '../../contract/printable'
import type { LoadedModule, ModuleInfo, Preflight } from '../../index'
import type { Screen } from '../screen'
import { forCommandLine } from './advice'
import { table } from './table'
import { bytes } from './words'

export function modulesText(screen: Screen, modules: readonly LoadedModule[]): string {
  const rows = modules.map((row) => [
    row.name,
    bytes(row.size),
    row.refCount === null ? '-' : String(row.refCount),
    remarks(row),
    row.holders.join(', '),
  ])
  // The column of remarks is left out if it is empty.
  const kept = rows.some(([, , , remark]) => remark !== '') ? [0, 1, 2, 3, 4] : [0, 1, 2, 4]
  const only = (row: readonly string[]): string[] => kept.map((column) => row[column]!)
  return table(screen, rows.map(only), {
    head: only(['MODULE', 'SIZE', 'REFERENCES', 'STATE', 'USED BY']),
    align: ['left', 'right', 'right'],
  })
}

/** What is unusual about a module. */
function remarks({ state, permanent, taints }: LoadedModule): string {
  return [
    ...(state === 'live' ? [] : [state]),
    ...(permanent ? ['permanent'] : []),
    ...(taints === '' ? [] : [`taints ${taints}`]),
  ].join(', ')
}

export function infoText(screen: Screen, info: ModuleInfo): string {
  const rows: [string, string][] = []
  const add = (name: string, ...values: (string | null)[]): void => {
    for (const value of values) {
      if (value !== null && value !== '') rows.push([name, printable(value.trim())])
    }
  }
  const { softDependencies, config, loaded } = info
  add('name', info.name)
  add('file', info.builtin ? 'none: compiled into the kernel' : info.path)
  add('description', info.description)
  add('license', info.license)
  add('version', info.version)
  add('srcversion', info.srcVersion)
  add('vermagic', info.vermagic)
  add('author', ...info.authors)
  add('depends', info.depends.join(', '))
  add('softdep', listed('pre', softDependencies.pre), listed('post', softDependencies.post))
  add('firmware', ...info.firmware)
  add('alias', ...info.aliases)
  for (const { name, type, description } of info.parameters) {
    const value = loaded?.parameters[name]
    const now = value === undefined || value === null ? '' : `, now ${value.trim()}`
    add('parameter', `${name}${type === null ? '' : ` (${type})`}${now}: ${description ?? '-'}`)
  }
  add('loaded', loaded === null ? 'no' : `yes${loadedVersion(info)}`)
  add('options', config.options)
  add('install', config.installCommand)
  add('remove', config.removeCommand)
  add('blacklisted', config.blacklisted ? 'yes' : null)
  return table(screen, rows)
}

/** Empty, unless the loaded module is another build than the file. */
function loadedVersion({ loaded, srcVersion, version }: ModuleInfo): string {
  if (loaded === null || loaded.srcVersion === srcVersion) return ''
  const of = (sources: string | null, name: string | null): string =>
    `srcversion ${sources ?? 'unknown'}${name === null ? '' : `, version ${name}`}`
  return `, another build than the file: ${of(loaded.srcVersion, loaded.version)} is loaded, the file has ${of(srcVersion, version)}`
}

function listed(name: string, modules: readonly string[]): string | null {
  return modules.length === 0 ? null : `${name}: ${modules.join(', ')}`
}

export function preflightText(screen: Screen, answer: Preflight): string {
  const { canUnload, canForce, problems, kernel, capability, libkmod } = answer
  const yes = (is: boolean | null): string => (is === null ? 'unknown' : is ? 'yes' : 'no')
  const rows = [
    ['can unload modules', yes(canUnload)],
    ['can unload by force', yes(canForce)],
    ['kernel', printable(kernel.release)],
    ['loadable modules', yes(kernel.modules)],
    ['unloading', yes(kernel.unload)],
    ['unloading by force', yes(kernel.forceUnload)],
    ['modules_disabled', yes(kernel.modulesDisabled)],
    ['lockdown', kernel.lockdown ?? 'unknown'],
    ['CAP_SYS_MODULE', yes(capability)],
    ['libkmod', libkmod ?? 'not found'],
    ...problems.map(({ code, message }) => [
      'problem',
      `${printable(forCommandLine(message))} (${code})`,
    ]),
  ]
  return table(screen, rows)
}
