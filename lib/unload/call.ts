/** What the stages of one unload share. */
import type { Place } from '../change/queue'
import type { AppliedPlanOptions, UnloadOptions } from '../contract/types'
import type { Kernel } from '../kernel/kernel'
import type { Undoer } from '../release/undo'
import type { Callbacks } from './callbacks'
import type { Draft } from './draft'
import type { Polling } from './polling'
import type { Restorer } from './restore'

export interface Call {
  readonly kernel: Kernel
  /** Names and aliases, as they were given. */
  readonly names: readonly string[]
  readonly planOptions: AppliedPlanOptions
  readonly options: UnloadOptions
  /** Its place in the queue of this process. */
  readonly place: Place
  /** Ends after the time of `wait`. */
  readonly polling: Polling
  readonly draft: Draft
  readonly callbacks: Callbacks
  /** Null if the call can never load again what it removed: without `onFailure: 'restore'`. */
  readonly restorer: Restorer | null
  /** Puts back the users that were released. */
  readonly undoer: Undoer
}
