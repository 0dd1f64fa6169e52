/** Who has the references of a module: the answers of lib/explain, as far as a plan needs them. */
import { inUseBlocker } from '../change/refusals'
import type { Blocker, LoadedModule, User } from '../contract/types'
import { summarize, usersOf } from '../explain/users'
import type { Kernel } from '../kernel/kernel'
import { referencesOf } from '../kernel/table'
import type { Graph } from './graph'

export interface Explanation {
  /** What uses the module, other than modules. */
  users: User[]
  /** No user that is known holds a reference, and all processes could be looked at. */
  isUnexplained: boolean
}

type InUse = Blocker & { code: 'ERR_KMOD_IN_USE' }

/**
 * Asks what uses modules. This takes a look at the open files of every process, so one question is
 * for all modules of a plan, and it is asked again only when a reference count has changed: a call
 * that waits makes many plans.
 */
export class UserReader {
  readonly explanations = new Map<string, Explanation>()
  readonly #figures = new Map<string, string>()
  #unreadable: string[] = []

  constructor(private readonly kernel: Kernel) {}

  /** What could not be read, as entries of the plan's `unreadable`; nothing if nothing was asked. */
  get unreadable(): readonly string[] {
    return this.#unreadable
  }

  /** Returns false if the answers for all of these were known. */
  async read(rows: readonly LoadedModule[]): Promise<boolean> {
    const unknown = rows.filter((row) => this.#figures.get(row.name) !== figuresOf(row))
    if (unknown.length === 0) return false
    const { users, unreadable, allProcessesRead } = await usersOf(this.kernel, unknown)
    this.#unreadable = unreadable
    unknown.forEach((row, i) => {
      const others = withoutModules(users[i]!)
      const isUnexplained = allProcessesRead && others.every(({ references }) => references === 0)
      this.explanations.set(row.name, { users: others, isUnexplained })
      this.#figures.set(row.name, figuresOf(row))
    })
    return true
  }
}

function figuresOf({ refCount, holders }: LoadedModule): string {
  return `${refCount} ${holders.join()}`
}

/** References that are not held by modules have other users. */
function withoutModules(users: readonly User[]): User[] {
  return users.filter(({ kind }) => kind !== 'module')
}

/**
 * Some modules take more references on a dependency than the one of their link: each scheduler on
 * ip_vs, each subsystem on configfs. The kernel does not tell whose a reference is. So where all
 * holders of a module are removed, references that nothing explains may be theirs.
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

/** The same blocker with what uses the module now. */
export async function withUsersNow(kernel: Kernel, blocker: Blocker): Promise<Blocker> {
  if (blocker.code !== 'ERR_KMOD_IN_USE') return blocker
  const row = await kernel.row(blocker.module)
  if (row === undefined) return blocker
  const [users = []] = (await usersOf(kernel, [row])).users
  return explainedInUse(blocker.module, blocker.references, withoutModules(users))
}
