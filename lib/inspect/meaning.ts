/** What names and aliases stand for, where loaded modules are asked about. */
import { isKmodError, KmodError } from '../errors'
import type { Kernel } from '../kernel'
import { isName, normalize } from '../names'
import type { LoadedModule } from '../types'
import { absentError } from './absent'

export interface Meaning {
  /** Those that are loaded. */
  rows: LoadedModule[]
  /** Where none is: the module that is meant. */
  absent: { module: string; status: 'unloaded' | 'builtin' } | null
}

/**
 * A loaded module's name wins over an alias; an alias with several matches stands for all of them,
 * those not loaded ignored where one is loaded. Rejects with ERR_KMOD_NOT_FOUND for what nobody knows.
 */
export async function meaningsOf(kernel: Kernel, asked: readonly string[]): Promise<Meaning[]> {
  const table = new Map((await kernel.table()).map((row) => [row.name, row]))
  const loaded = (name: string): LoadedModule[] => {
    const row = table.get(normalize(name))
    return row === undefined ? [] : [row]
  }
  const others = asked.filter((name) => loaded(name).length === 0)
  const matches = others.length === 0 ? [] : await lookUp(kernel, others)
  const matchesOf = new Map(others.map((name, i) => [name, matches[i] ?? []]))
  return Promise.all(
    asked.map(async (name): Promise<Meaning> => {
      const own = loaded(name)
      if (own.length > 0) return { rows: own, absent: null }
      const names = matchesOf.get(name) ?? []
      const rows = [...new Set(names)].flatMap(loaded)
      if (rows.length > 0) return { rows, absent: null }
      return { rows, absent: await whyAbsent(kernel, names[0] ?? name) }
    }),
  )
}

async function lookUp(kernel: Kernel, aliases: readonly string[]): Promise<string[][]> {
  try {
    return await kernel.index.lookup(aliases)
  } catch (error) {
    // As good as no index.
    if (isKmodError(error, 'ERR_KMOD_LIBRARY')) return aliases.map(() => [])
    throw error
  }
}

/** Without an index nobody can tell a wrong name from one that is not loaded. */
async function whyAbsent(kernel: Kernel, name: string): Promise<NonNullable<Meaning['absent']>> {
  if (!isName(name)) {
    if (!(await hasIndex(kernel))) return { module: name, status: 'unloaded' }
    throw new KmodError(
      'ERR_KMOD_NOT_FOUND',
      `Nothing is called ${name}: no loaded module, and no module or alias in the module index.`,
    )
  }
  const error = await absentError(kernel, normalize(name))
  if (isKmodError(error, 'ERR_KMOD_NOT_FOUND')) throw error
  const status = isKmodError(error, 'ERR_KMOD_BUILTIN') ? 'builtin' : 'unloaded'
  return { module: normalize(name), status }
}

async function hasIndex(kernel: Kernel): Promise<boolean> {
  try {
    return (await kernel.index.find([])).complete
  } catch (error) {
    if (isKmodError(error, 'ERR_KMOD_LIBRARY')) return false
    throw error
  }
}
