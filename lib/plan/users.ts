/** What holds the references to a module: the answers of lib/explain that a plan needs. */
import { inUseBlocker } from '../change/refusals'
import type { Blocker, LoadedModule, User } from '../contract/types'
import { summarize, usersOf } from '../explain/users'
import type { Kernel } from '../kernel/kernel'
import { referencesOf } from '../kernel/table'
import type { Graph } from './graph'

export interface Explanation {
  /** The users of the module that are not modules. */
  users: User[]
  /** Every known user has 0 references, and the open files of all processes were read. */
  isUnexplained: boolean
  /** What could not be read, as entries of the plan's `unreadable`. */
  unreadable: readonly string[]
}

type InUse = Blocker & { code: 'ERR_KMOD_IN_USE' }

/**
 * Asks what uses modules. The answer requires reading the open files of every process, and a call that
 * waits makes many plans. So one question is for several modules, and it is asked again for a module
 * only when its reference count or its holders have changed.
 */
export class UserReader {
  readonly explanations = new Map<string, Explanation>()
  readonly #figures = new Map<string, string>()

  constructor(private readonly kernel: Kernel) {}

  /** Returns false if the answers for all these modules were already known. */
  async read(rows: readonly LoadedModule[]): Promise<boolean> {
    const unknown = rows.filter((row) => this.#figures.get(row.name) !== figuresOf(row))
    if (unknown.length === 0) return false
    const { users, unreadable, allProcessesRead } = await usersOf(this.kernel, unknown)
    unknown.forEach((row, i) => {
      const others = withoutModules(users[i]!)
      const isUnexplained = allProcessesRead && others.every(({ references }) => references === 0)
      this.explanations.set(row.name, { users: others, isUnexplained, unreadable })
      this.#figures.set(row.name, figuresOf(row))
    })
    return true
  }
}

function figuresOf({ refCount, holders }: LoadedModule): string {
  return `${refCount} ${holders.join()}`
}

/** Leaves out the holders: a plan needs only the users with references of another kind. */
function withoutModules(users: readonly User[]): User[] {
  return users.filter(({ kind }) => kind !== 'module')
}

/**
 * Whether references to a module may belong to its holders. A holder has one reference because it is
 * linked to the module, but some holders take more: each scheduler of ip_vs, each subsystem of
 * configfs. The kernel does not show what holds a reference. So if a plan removes all holders of a
 * module, its unexplained references may be theirs.
 */
export function mayBelongToHolders(
  row: LoadedModule,
  graph: Graph,
  isRemoved: (name: string) => boolean,
): boolean {
  const holders = row.holders.filter((name) => graph.has(name))
  return (referencesOf(row) ?? 0) > 0 && holders.length > 0 && holders.every(isRemoved)
}

/** The blocker for a module with references, and what is known to hold them. */
export function explainedInUse(
  module: string,
  references: number,
  users: User[],
  removedHolders: readonly string[] = [],
): InUse {
  const blocker = inUseBlocker(module, references, { users, removedHolders })
  return { ...blocker, message: blocker.message + summarize(users) }
}

/** The same blocker, with the present users of the module. */
export async function withUsersNow(kernel: Kernel, blocker: Blocker): Promise<Blocker> {
  if (blocker.code !== 'ERR_KMOD_IN_USE') return blocker
  const row = await kernel.row(blocker.module)
  if (row === undefined) return blocker
  const [users = []] = (await usersOf(kernel, [row])).users
  return explainedInUse(blocker.module, blocker.references, withoutModules(users))
}
