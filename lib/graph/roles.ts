/** What a plan does with each module of a graph, and what blocks it. */
import type { GraphNode, UnloadPlan } from '../contract/types'
import { userId } from './user-nodes'

export type Role = Pick<GraphNode, 'role' | 'order'>

export interface Roles {
  modules: ReadonlyMap<string, Role>
  /** By the id of the node: users that the plan releases, and users that block it. */
  users: ReadonlyMap<string, Role>
}

export function rolesIn(plan: UnloadPlan | undefined): Roles {
  const modules = new Map<string, Role>()
  const users = new Map<string, Role>()
  if (plan === undefined) return { modules, users }
  for (const name of plan.targets) modules.set(name, { role: 'target' })
  for (const { module } of plan.kept) modules.set(module, { role: 'stays' })
  plan.steps.forEach((step, i) => {
    const order = i + 1
    const { module, reason } = step
    if (step.action === 'release') users.set(userId(step.user), { role: 'goes', order })
    // A reload loads the module again in a later step.
    else if (modules.get(module)?.order === undefined) {
      modules.set(module, { role: reason === 'target' ? 'target' : 'goes', order })
    }
  })
  const block = (name: string): void => {
    modules.set(name, { ...modules.get(name), role: 'blocks' })
  }
  for (const blocker of plan.blockers) {
    // The module itself can be removed as soon as its holders are removed.
    if (blocker.code === 'ERR_KMOD_HELD') blocker.holders.forEach(block)
    else block(blocker.module)
    if (blocker.code !== 'ERR_KMOD_IN_USE') continue
    // A device or interface that takes no reference does not block.
    const holding = blocker.users.filter(({ references }) => references !== 0)
    for (const user of holding) users.set(userId(user), { role: 'blocks' })
  }
  return { modules, users }
}
