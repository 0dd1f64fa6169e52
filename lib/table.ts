/** The kernel's table of loaded modules as objects. Source: m_show() in kernel/module/procfs.c. */
import type { LoadedModule } from './types'

const STATES: Record<string, LoadedModule['state']> = {
  Live: 'live',
  Loading: 'loading',
  Unloading: 'unloading',
}

/**
 * Takes text whose rows native/kernel/loaded_table.cc has checked:
 *
 *     NAME SIZE REFERENCES HOLDERS[,[permanent],] STATE ADDRESS [(TAINTS)]
 */
export function parseTable(text: string): LoadedModule[] {
  const modules: LoadedModule[] = []
  for (const row of text.split('\n')) {
    if (row === '') continue
    const fields = row.split(' ')
    const users = fields[3]!
    const holders = users === '-' ? [] : users.slice(0, -1).split(',')
    const permanent = holders.at(-1) === '[permanent]'
    if (permanent) holders.pop()
    // "-" without CONFIG_MODULE_UNLOAD, "-1" while the module is on its way out.
    const references = fields[2]!
    modules.push({
      name: fields[0]!,
      size: Number(fields[1]),
      refCount: references.startsWith('-') ? null : Number(references),
      holders,
      state: STATES[fields[4]!]!,
      permanent,
      taints: fields[6]?.slice(1, -1) ?? '',
    })
  }
  return modules
}
