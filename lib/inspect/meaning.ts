/** Finds which modules a name or an alias stands for. */
import { refusalError } from '../change/refusals'
import { isKmodError } from '../contract/errors'
import { checkAlias, isName, normalize } from '../contract/names'
import type { Kernel } from '../kernel/kernel'
import { statusOfAbsent } from './status'
import { unknownBlocker } from './unknown'

/** The entry of `unreadable` if the system has no module index. */
export const NO_INDEX = 'the module index: there is none (depmod creates it)'

/** The modules that `modprobe -R` prints. */
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
 * The name of a loaded module has precedence over an alias, and so has the name of a module in the
 * index: with `alias X other` or `alias X off` in modprobe.d, X is still the module X. An alias with
 * several matches stands for all of them; if some of them are loaded, the others are ignored. Without
 * an index it is not known whether a name is wrong or its module is only not loaded: it is reported as
 * not loaded, and `unreadable` says why.
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
      const matches = index.matches[others.indexOf(one)]!
      const loaded = matches.filter(isLoaded)
      if (loaded.length > 0) return { loaded, missing: [] }
      const names = matches.length > 0 ? matches : [isName(one) ? name : one]
      const missing = names.map((each) => describeMissing(kernel, each, index.complete))
      return { loaded, missing: await Promise.all(missing) }
    }),
  )
  return { meanings, unreadable: index.unreadable }
}

/** The word that means "no module" in modprobe.d, as in `alias net-pf-10 off`. */
const OFF = 'off'

/** The modules that a name or alias stands for, whether they are loaded or not. */
export async function modulesOf(
  { index }: Pick<Kernel, 'index'>,
  asked: readonly string[],
): Promise<{ matches: string[][]; complete: boolean }> {
  const names = asked.filter(isName).map(normalize)
  const [matches, { complete, found }] = await Promise.all([index.lookup(asked), index.find(names)])
  const known = new Set(names.filter((_, i) => found[i]!.builtin || found[i]!.path !== null))
  return {
    complete,
    matches: asked.map((one, i) => {
      const name = normalize(one)
      return known.has(name) ? [name] : [...new Set(matches[i])].filter((match) => match !== OFF)
    }),
  }
}

async function lookUp(
  kernel: Kernel,
  asked: readonly string[],
): Promise<{ matches: string[][]; complete: boolean; unreadable: string[] }> {
  try {
    const { matches, complete } = await modulesOf(kernel, asked)
    return { matches, complete, unreadable: complete ? [] : [NO_INDEX] }
  } catch (error) {
    // Loaded modules are found in the table, also without an index.
    if (!isKmodError(error)) throw error
    const unreadable = [`the module index: ${error.message}`]
    return { matches: asked.map(() => []), complete: false, unreadable }
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

/** Rejects if the name is neither that of a loaded module nor in the index. */
export async function refuseUnknown(kernel: Kernel, { name, status }: Missing): Promise<void> {
  if (status === 'unknown') throw refusalError(await unknownBlocker(kernel, name, 'inspect'))
}
