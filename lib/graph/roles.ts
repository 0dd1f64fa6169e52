/** What a plan does with each module of a graph, and what blocks it. */
import type { GraphNode, UnloadPlan } from '../contract/types'
import { userId } from './user-nodes'

type Role = Pick<GraphNode, 'role' | 'order'>

export interface Roles {
  modules: ReadonlyMap<string, Role>
  /** The ids of the users that block the plan. */
  blockingUsers: ReadonlySet<string>
}

export function rolesIn(plan: UnloadPlan | undefined): Roles {
  const modules = new Map<string, Role>()
  const blockingUsers = new Set<string>()
  if (plan === undefined) return { modules, blockingUsers }
  for (const name of plan.targets) modules.set(name, { role: 'target' })
  for (const { module } of plan.kept) modules.set(module, { role: 'stays' })
  plan.steps.forEach(({ module, reason }, i) => {
    modules.set(module, { role: reason === 'target' ? 'target' : 'goes', order: i + 1 })
  })
  const block = (name: string): void => {
    modules.set(name, { ...modules.get(name), role: 'blocks' })
  }
  for (const blocker of plan.blockers) {
    // The module itself can go as soon as its holders do.
    if (blocker.code === 'ERR_KMOD_HELD') blocker.holders.forEach(block)
    else block(blocker.module)
    if (blocker.code === 'ERR_KMOD_IN_USE') {
      // A device or interface that takes no reference does not block.
      const holding = blocker.users.filter(({ references }) => references !== 0)
      for (const user of holding) blockingUsers.add(userId(user))
    }
  }
  return { modules, blockingUsers }
}
