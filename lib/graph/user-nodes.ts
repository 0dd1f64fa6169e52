/** The nodes of mounts, processes, interfaces and all other users of modules. */
import { printable } from '../contract/printable'
import type { GraphEdge, GraphNode, User } from '../contract/types'
import type { Roles } from './roles'

/**
 * A limit for each module and kind, because other users can make many mounts, processes and interfaces.
 * One node says how many more there are.
 */
const MAX_OF_A_KIND = 30

/** The nodes of users other than modules, and the edges from each user to what it uses. */
export function userNodes(
  users: readonly User[],
  { users: roles }: Pick<Roles, 'users'>,
): { nodes: GraphNode[]; edges: GraphEdge[] } {
  const nodes = new Map<string, GraphNode>()
  const edges = new Map<string, GraphEdge>()
  for (const group of groups(users).values()) {
    // Those with a role in the plan come first, so that they are drawn.
    const inOrder = [...group.entries()].sort(
      ([one], [other]) => Number(roles.has(other)) - Number(roles.has(one)),
    )
    for (const [id, user] of inOrder.slice(0, MAX_OF_A_KIND)) {
      nodes.set(id, { id, kind: user.kind, label: printable(labelOf(user)), ...roles.get(id) })
      edges.set(`${id}\0${user.module}`, { from: id, to: user.module, kind: 'uses' })
    }
    const [, first] = inOrder[0]!
    const hidden = inOrder.length - MAX_OF_A_KIND
    if (hidden <= 0) continue
    const id = `${first.kind}:more:${first.module}`
    nodes.set(id, { id, kind: first.kind, label: `${hidden} more of kind ${first.kind}` })
    edges.set(id, { from: id, to: first.module, kind: 'uses' })
  }
  return { nodes: [...nodes.values()], edges: [...edges.values()] }
}

/** The users of each module and kind, each once, by id. */
function groups(users: readonly User[]): Map<string, Map<string, User>> {
  const found = new Map<string, Map<string, User>>()
  for (const user of users) {
    if (user.kind === 'module') continue
    const key = `${user.module}\0${user.kind}`
    const group = found.get(key) ?? new Map<string, User>()
    group.set(userId(user), user)
    found.set(key, group)
  }
  return found
}

/**
 * The same for the same user of several modules, and for no other user of the same answer. identityOf() of
 * lib/explain compares two answers, and so takes two mounts at one path for the same.
 */
export function userId(user: User): string {
  return printable(`${user.kind}:${keyOf(user)}`)
}

function keyOf(user: User): string {
  switch (user.kind) {
    case 'mount':
      return `${user.path}:${user.pid}`
    case 'process':
      return String(user.pid)
    case 'device':
      return `${user.bus}:${user.device}`
    case 'interface':
      return user.netns === null ? user.name : `${user.netns}/${user.name}`
    case 'socket':
      return user.protocol
    case 'swap':
    case 'block':
      return user.path
    case 'module':
      return user.name
    default:
      return `${user.name}:${user.value}`
  }
}

function labelOf(user: User): string {
  switch (user.kind) {
    case 'mount':
    case 'block':
      return user.path
    case 'swap':
      return `swap ${user.path}`
    case 'process':
      return `${user.comm} (${user.pid})`
    case 'device':
      return `${user.bus} ${user.device}`
    case 'interface':
      return user.netns === null ? user.name : `${user.name} in ${user.netns}`
    case 'socket':
      return `${user.count} ${user.protocol} ${user.count === 1 ? 'socket' : 'sockets'}`
    case 'module':
      return user.name
    default:
      return user.value === '' ? user.name : `${user.name} ${user.value}`
  }
}
