/** The first stage: which modules the names and aliases stand for. */
import { isKmodError } from '../errors'
import { statusOfAbsent } from '../inspect/status'
import type { Kernel } from '../kernel'
import { isName, normalize } from '../names'
import type { Blocker, PlanOptions } from '../types'
import type { Graph } from './graph'

export interface Targets {
  /** Loaded or not, each once, in the order in which they were asked for. */
  names: string[]
  absent: string[]
  blockers: Blocker[]
  unreadable: string[]
}

/** A name that is not loaded, and what is known about it. */
interface Missing {
  name: string
  status: 'builtin' | 'unloaded' | 'unknown'
}

export async function findTargets(
  kernel: Kernel,
  asked: readonly string[],
  graph: Graph,
  options: Required<PlanOptions>,
): Promise<Targets> {
  const spelled = asked.map((one) => loadedName(one, graph))
  const missing = [...new Set(asked.filter((_, i) => spelled[i] === undefined))]
  const resolved = await resolveMissing(kernel, missing, graph)
  const targets: Targets = { names: [], absent: [], blockers: [], unreadable: resolved.unreadable }
  const seen = new Set<string>()
  const add = (name: string): boolean => {
    if (seen.has(name)) return false
    seen.add(name)
    targets.names.push(name)
    return true
  }
  asked.forEach((one, i) => {
    const name = spelled[i]
    if (name !== undefined) {
      add(name)
      return
    }
    for (const entry of resolved.of.get(one)!) {
      if (typeof entry === 'string') add(entry)
      else if (add(entry.name)) judge(entry, options, targets)
    }
  })
  return targets
}

/** As the kernel spells it, where it is loaded: that wins over every alias. */
function loadedName(asked: string, graph: Graph): string | undefined {
  const name = normalize(asked)
  return graph.has(name) ? name : undefined
}

async function resolveMissing(
  kernel: Kernel,
  asked: readonly string[],
  graph: Graph,
): Promise<{ of: Map<string, (string | Missing)[]>; unreadable: string[] }> {
  const of = new Map<string, (string | Missing)[]>()
  if (asked.length === 0) return { of, unreadable: [] }
  const index = await lookUp(kernel, asked)
  await Promise.all(
    asked.map(async (one, i) => {
      const matches = [...new Set(index.matches[i])]
      const loaded = matches.filter((name) => graph.has(name))
      if (loaded.length > 0) {
        of.set(one, loaded)
        return
      }
      const names = matches.length > 0 ? matches : [isName(one) ? normalize(one) : one]
      of.set(one, await Promise.all(names.map((name) => statusOf(kernel, name, index.complete))))
    }),
  )
  return { of, unreadable: index.unreadable }
}

async function lookUp(
  kernel: Kernel,
  asked: readonly string[],
): Promise<{ matches: string[][]; complete: boolean; unreadable: string[] }> {
  try {
    const [matches, { complete }] = await Promise.all([
      kernel.index.lookup(asked),
      kernel.index.find([]),
    ])
    const unreadable = complete ? [] : ['the module index: depmod has left none']
    return { matches, complete, unreadable }
  } catch (error) {
    // Whether something is loaded is sure without it.
    if (!isKmodError(error)) throw error
    const unreadable = [`the module index: ${error.message}`]
    return { matches: asked.map(() => []), complete: false, unreadable }
  }
}

async function statusOf(kernel: Kernel, name: string, complete: boolean): Promise<Missing> {
  if (!isName(name)) return { name, status: complete ? 'unknown' : 'unloaded' }
  const status = await statusOfAbsent(kernel, name).catch((error: unknown) => {
    if (!isKmodError(error)) throw error
    return 'unknown'
  })
  if (status === 'builtin') return { name, status }
  // Without an index nobody can tell a wrong name from one that is not loaded.
  return { name, status: status === 'unknown' && complete ? 'unknown' : 'unloaded' }
}

/** What is not loaded is absent, or blocks. */
function judge(
  { name, status }: Missing,
  { allowUnknown, mustBeLoaded }: Required<PlanOptions>,
  targets: Targets,
): void {
  const known = status !== 'unknown' || allowUnknown
  if (status === 'builtin') {
    targets.blockers.push({
      code: 'ERR_KMOD_BUILTIN',
      module: name,
      message: `Module ${name} is compiled into the kernel: it cannot be unloaded.`,
    })
  } else if (!known) {
    targets.blockers.push({
      code: 'ERR_KMOD_NOT_FOUND',
      module: name,
      message: `There is no module or alias ${name}: it is not loaded, and the module index does not have it. Check the spelling, or allow it with allowUnknown.`,
    })
  } else if (mustBeLoaded) {
    targets.blockers.push({
      code: 'ERR_KMOD_NOT_LOADED',
      module: name,
      message: `Module ${name} is not loaded.`,
    })
  } else {
    targets.absent.push(name)
  }
}
