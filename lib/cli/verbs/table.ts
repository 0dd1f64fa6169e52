/** All verbs, in the order of the help. Help, man page and completion are made from this list. */
import { completionVerb } from '../shell/completion'
import type { Verb } from '../verb'
import { CHANGE_VERBS } from './change'
import { EXPLAIN_VERBS } from './explain'
import { FOLLOW_VERBS } from './follow'
import { INSPECT_VERBS } from './inspect'

export const VERBS: readonly Verb[] = [
  ...INSPECT_VERBS,
  ...EXPLAIN_VERBS,
  ...FOLLOW_VERBS,
  ...CHANGE_VERBS,
  completionVerb(() => VERBS),
]
