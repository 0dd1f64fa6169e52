/** All verbs, in the order of the help. Help, man page and completion are made from this list. */
import { completionVerb } from '../shell/completion'
import type { Verb } from '../verb'
import { EXPLAIN_VERBS } from './explain'
import { FOLLOW_VERBS } from './follow'
import { INSPECT_VERBS } from './inspect'
import { LOAD_VERBS } from './load'
import { PICTURE_VERBS } from './pictures'
import { UNLOAD_VERBS } from './unload'

export const VERBS: readonly Verb[] = [
  ...INSPECT_VERBS,
  ...EXPLAIN_VERBS,
  ...FOLLOW_VERBS,
  ...UNLOAD_VERBS,
  ...LOAD_VERBS,
  ...PICTURE_VERBS,
  completionVerb(() => VERBS),
]
