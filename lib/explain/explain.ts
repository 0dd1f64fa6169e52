/** Implements explain() of the public interface. */
import { checkAlias } from '../contract/names'
import type { Usage, User } from '../contract/types'
import { meaningsOf, refuseUnknown, type Missing } from '../inspect/meaning'
import type { Kernel } from '../kernel/kernel'
import { referencesOf } from '../kernel/table'
import { usersOf } from './users'

/**
 * Why a module is in use. Of an alias with several matches, the first loaded module is explained; if
 * none is loaded, the first match.
 */
export async function explain(kernel: Kernel, name: unknown): Promise<Usage> {
  const table = new Map((await kernel.table()).map((row) => [row.name, row]))
  const { meanings } = await meaningsOf(kernel, [checkAlias(name)], (one) => table.has(one))
  const { loaded, missing } = meanings[0]!
  const row = table.get(loaded[0] ?? '')
  if (row === undefined) return absentUsage(kernel, missing[0]!)
  const found = await usersOf(kernel, [row], table)
  const users = found.users[0]!
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
    unreadable: found.unreadable,
  }
}

/** The known references of users other than modules. */
function knownReferences(users: readonly User[]): number {
  return users
    .filter(({ kind }) => kind !== 'module')
    .reduce((sum, { references }) => sum + (references ?? 0), 0)
}

async function absentUsage(kernel: Kernel, missing: Missing): Promise<Usage> {
  await refuseUnknown(kernel, missing)
  const { name: module, status } = missing
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
