/** Which modules a name or an alias stands for. */
import { refusalError } from '../change/refusals'
import { isKmodError } from '../contract/errors'
import { checkAlias, isName, normalize } from '../contract/names'
import type { Kernel } from '../kernel/kernel'
import { statusOfAbsent } from './status'
import { unknownBlocker } from './unknown'

/** An entry of `unreadable`. */
export const NO_INDEX = 'the module index: depmod has left none'

/** What `modprobe -R` prints. */
export async function resolve(kernel: Kernel, nameOrAlias: unknown): Promise<string[]> {
  const [names] = await kernel.index.lookup([checkAlias(nameOrAlias, 'nameOrAlias')])
  return names ?? []
}

/** A module that is not loaded, and what is known about it. */
export interface Missing {
  name: string
  status: 'builtin' | 'unloaded' | 'unknown'
}

/** The modules of one name or alias: those that are loaded or, if none is, all of them. */
export interface Meaning {
  loaded: string[]
  missing: Missing[]
}

/**
 * The name of a loaded module wins over an alias. An alias with several matches stands for all of
 * them; if one is loaded, those that are not are ignored. Without an index a wrong name cannot be
 * told from one that is not loaded: it counts as not loaded, and `unreadable` says why.
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
      const missing = names.map((each) => describeMissing(kernel, each, index.complete))
      return { loaded, missing: await Promise.all(missing) }
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
    // The table tells what is loaded, also without an index.
    if (!isKmodError(error)) throw error
    const unreadable = [`the module index: ${error.message}`]
    return { matches: aliases.map(() => []), complete: false, unreadable }
  }
}

async function describeMissing(kernel: Kernel, name: string, complete: boolean): Promise<Missing> {
  const status = isName(name)
    ? await statusOfAbsent(kernel, name).catch((error: unknown) => {
        if (!isKmodError(error)) throw error
        return 'unknown' as const
      })
    : 'unknown'
  return { name, status: status === 'unknown' && !complete ? 'unloaded' : status }
}

/** For calls that reject a name that is neither loaded nor in the index. */
export async function refuseUnknown(kernel: Kernel, { name, status }: Missing): Promise<void> {
  if (status === 'unknown') throw refusalError(await unknownBlocker(kernel, name, 'inspect'))
}
