/** What all kinds of users share. */
import type { LoadedModule, User } from '../contract/types'
import type { Snapshot } from '../kernel/snapshot'

/** Finds the users of one kind that a loaded module has. */
export type FindUsers = (row: LoadedModule, snapshot: Snapshot) => User[]

/** Those of the things in a snapshot that use a module. */
export function using<Thing extends { modules: readonly string[] }>(
  things: readonly Thing[],
  { name }: LoadedModule,
): Thing[] {
  return things.filter(({ modules }) => modules.includes(name))
}
