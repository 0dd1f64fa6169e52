/** What names and aliases stand for. */
import { isKmodError, KmodError } from '../contract/errors'
import type { Kernel } from '../kernel/kernel'
import { isName, normalize } from '../contract/names'
import { statusOfAbsent } from './status'

export const NO_INDEX = 'the module index: depmod has left none'

/** A module that is not loaded, and what is known about it. */
export interface Missing {
  name: string
  status: 'builtin' | 'unloaded' | 'unknown'
}

/** What one name or alias stands for: what is loaded of it, or, where nothing is, all of it. */
export interface Meaning {
  loaded: string[]
  missing: Missing[]
}

/**
 * A loaded module's name wins over an alias; an alias with several matches stands for all of them,
 * those not loaded ignored where one is loaded. Without an index nobody can tell a wrong name from one
 * that is not loaded: then it is the latter, and `unreadable` says so.
 */
export async function meaningsOf(
  kernel: Kernel,
  asked: readonly string[],
  isLoaded: (name: string) => boolean,
): Promise<{ meanings: Meaning[]; unreadable: string[] }> {
  const others = asked.filter((one) => !isLoaded(normalize(one)))
  const index =
    others.length === 0
      ? { matches: [], complete: true, unreadable: [] }
      : await lookUp(kernel, others)
  const meanings = await Promise.all(
    asked.map(async (one): Promise<Meaning> => {
      const name = normalize(one)
      if (isLoaded(name)) return { loaded: [name], missing: [] }
      const matches = [...new Set(index.matches[others.indexOf(one)])]
      const loaded = matches.filter(isLoaded)
      if (loaded.length > 0) return { loaded, missing: [] }
      const names = matches.length > 0 ? matches : [isName(one) ? name : one]
      const missing = await Promise.all(names.map((each) => judge(kernel, each, index.complete)))
      return { loaded, missing }
    }),
  )
  return { meanings, unreadable: index.unreadable }
}

async function lookUp(
  kernel: Kernel,
  aliases: readonly string[],
): Promise<{ matches: string[][]; complete: boolean; unreadable: string[] }> {
  try {
    const [matches, { complete }] = await Promise.all([
      kernel.index.lookup(aliases),
      kernel.index.find([]),
    ])
    return { matches, complete, unreadable: complete ? [] : [NO_INDEX] }
  } catch (error) {
    // Whether something is loaded is sure without it.
    if (!isKmodError(error)) throw error
    const unreadable = [`the module index: ${error.message}`]
    return { matches: aliases.map(() => []), complete: false, unreadable }
  }
}

async function judge(kernel: Kernel, name: string, complete: boolean): Promise<Missing> {
  if (!isName(name)) return { name, status: complete ? 'unknown' : 'unloaded' }
  const status = await statusOfAbsent(kernel, name).catch((error: unknown) => {
    if (!isKmodError(error)) throw error
    return 'unknown'
  })
  if (status === 'builtin') return { name, status }
  return { name, status: status === 'unknown' && complete ? 'unknown' : 'unloaded' }
}

/** For calls that reject what nobody knows. */
export function refuseUnknown({ name, status }: Missing): void {
  if (status !== 'unknown') return
  throw new KmodError(
    'ERR_KMOD_NOT_FOUND',
    `There is no module or alias ${name}: it is not loaded, and the module index does not have it. Check the spelling; \`list()\` has the loaded ones.`,
    isName(name) ? { module: name } : {},
  )
}
