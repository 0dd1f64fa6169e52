import { meaningsOf } from '../inspect/meaning'
import type { Kernel } from '../kernel'
import { checkAlias } from '../names'
import type { LoadedModule, Usage, User } from '../types'
import { usersOf } from './users'

/**
 * Why a module is in use. An alias with several matches stands for the first of them here, that is
 * loaded if one is.
 */
export async function explain(kernel: Kernel, name: unknown): Promise<Usage> {
  const [meaning] = await meaningsOf(kernel, [checkAlias(name)])
  const [row] = meaning!.rows
  if (row === undefined) return absentUsage(meaning!.absent!)
  const { users, unreadable } = await usersOf(kernel, row)
  const references = referencesOf(row)
  return {
    module: row.name,
    status: row.state,
    permanent: row.permanent,
    refCount: row.refCount,
    holders: row.holders,
    references,
    unexplained: references === null ? null : Math.max(0, references - knownReferences(users)),
    users,
    unreadable,
  }
}

function referencesOf({ refCount, holders }: LoadedModule): number | null {
  return refCount === null ? null : Math.max(0, refCount - holders.length)
}

/** Of what is no module. */
function knownReferences(users: readonly User[]): number {
  return users
    .filter(({ kind }) => kind !== 'module')
    .reduce((sum, { references }) => sum + (references ?? 0), 0)
}

function absentUsage({ module, status }: Pick<Usage, 'module' | 'status'>): Usage {
  return {
    module,
    status,
    permanent: false,
    refCount: null,
    holders: [],
    references: null,
    unexplained: null,
    users: [],
    unreadable: [],
  }
}
