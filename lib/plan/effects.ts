/** Whether the guard refuses an effect. */
import type { AppliedPlanOptions, Effect } from '../contract/types'

export function isRefused(
  { kind, subject, severity }: Effect,
  { guard, allow }: AppliedPlanOptions,
): boolean {
  if (guard === 'off' || (severity === 'disruptive' && guard !== 'strict')) return false
  return !allow.includes(kind) && !allow.includes(`${kind}:${subject}`)
}
