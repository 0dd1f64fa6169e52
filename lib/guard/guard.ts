/** What each kind of effect has to tell. */
import type { Snapshot } from '../kernel/snapshot'
import type { Effect } from '../contract/types'

/** An effect, and the modules each of which it would take to bring it about. */
export interface Finding extends Omit<Effect, 'module'> {
  modules: readonly string[]
}

/** Looks for one kind of effect. */
export type Guard = (snapshot: Snapshot) => Finding[]
