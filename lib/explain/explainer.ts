import type { LoadedModule, User } from '../contract/types'
import type { Snapshot } from '../kernel/snapshot'

/** Looks for one kind of users of a module. */
export type Explainer = (row: LoadedModule, snapshot: Snapshot) => User[]
