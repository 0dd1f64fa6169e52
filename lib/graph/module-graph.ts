/** Implements graph() of the public interface: the graph as data, without a picture. */
import { isKmodError } from '../contract/errors'
import { checkTargets } from '../contract/names'
import { abortSignal, checkOptions, flag, type Rule } from '../contract/options'
import { printable } from '../contract/printable'
import type {
  GraphEdge,
  GraphNode,
  GraphOptions,
  LoadedModule,
  ModuleGraph,
  UnloadPlan,
} from '../contract/types'
import { usersOf } from '../explain/users'
import { meaningsOf, refuseUnknown } from '../inspect/meaning'
import type { Kernel } from '../kernel/kernel'
import { Graph } from '../plan/graph'
import { rolesIn, type Roles } from './roles'
import { userNodes } from './user-nodes'

/** Checks the parts of a plan that a graph reads, because the plan may come from JSON. */
const planRule: Rule<UnloadPlan> = {
  expected: 'an UnloadPlan',
  accepts: (value): value is UnloadPlan => {
    if (typeof value !== 'object' || value === null) return false
    const { targets, steps, blockers, kept } = value as Partial<UnloadPlan>
    return (
      Array.isArray(targets) &&
      [steps, blockers, kept].every(
        (list) =>
          Array.isArray(list) &&
          list.every((one: unknown) => typeof one === 'object' && one !== null),
      )
    )
  },
}

export function checkGraphOptions(options: unknown): GraphOptions {
  return checkOptions<GraphOptions>(options, { users: flag, plan: planRule, signal: abortSignal })
}

export async function graph(
  kernel: Kernel,
  names: unknown,
  options: unknown,
): Promise<ModuleGraph> {
  const { users = false, plan } = checkGraphOptions(options)
  const asked = names === undefined ? null : checkTargets(names)
  const table = await kernel.table()
  const rows = asked === null ? table : await relatives(kernel, table, asked)
  const roles = rolesIn(plan)
  const isDrawn = new Set(rows.map(({ name }) => name))
  const edges = rows.flatMap(({ name, holders }) =>
    holders.filter((holder) => isDrawn.has(holder)).map((from) => uses(from, name)),
  )
  const [soft, found] = await Promise.all([
    softEdges(kernel, isDrawn),
    users ? usersOf(kernel, rows) : { users: [], unreadable: [] },
  ])
  const used = userNodes(found.users.flat(), roles)
  const unreadable = [...new Set([...soft.unreadable, ...found.unreadable])]
  return {
    nodes: [...rows.map((row) => moduleNode(row, roles)), ...used.nodes],
    edges: [...edges, ...soft.edges, ...used.edges],
    ...(unreadable.length > 0 && { unreadable }),
  }
}

/** The loaded modules that were asked for, all that they use and all that use them, newest first. */
async function relatives(
  kernel: Kernel,
  table: readonly LoadedModule[],
  asked: readonly string[],
): Promise<LoadedModule[]> {
  const links = new Graph(table)
  const { meanings } = await meaningsOf(kernel, asked, (name) => links.has(name))
  for (const missing of meanings.flatMap((meaning) => meaning.missing)) {
    await refuseUnknown(kernel, missing)
  }
  const names = meanings.flatMap(({ loaded }) => loaded)
  const below = links.reach(names, (name) => links.uses(name))
  const above = links.reach(names, (name) => links.holders(name))
  return table.filter(({ name }) => below.has(name) || above.has(name))
}

function moduleNode({ name, refCount, size }: LoadedModule, { modules }: Roles): GraphNode {
  return {
    id: name,
    kind: 'module',
    label: printable(name),
    ...(refCount !== null && { refCount }),
    size,
    ...modules.get(name),
  }
}

function uses(from: string, to: string): GraphEdge {
  return { from, to, kind: 'uses' }
}

/** The soft dependencies between these modules. */
async function softEdges(
  kernel: Kernel,
  isDrawn: ReadonlySet<string>,
): Promise<{ edges: GraphEdge[]; unreadable: string[] }> {
  try {
    const { policies, unreadable } = await kernel.index.policies([...isDrawn])
    const edges = [...policies].flatMap(
      ([
        from,
        {
          softDependencies: { pre, post },
        },
      ]) =>
        [...new Set([...pre, ...post])]
          .filter((to) => isDrawn.has(to) && to !== from)
          .map((to): GraphEdge => ({ from, to, kind: 'soft' })),
    )
    return { edges, unreadable }
  } catch (error) {
    if (!isKmodError(error)) throw error
    return { edges: [], unreadable: [`soft dependencies of modprobe.d: ${error.message}`] }
  }
}
