import type { UnloadPlan } from '../contract/types'

/** A line a step, as `modprobe -n -v -r` prints them. */
export function formatPlan({ steps }: UnloadPlan): string {
  return steps
    .map((step) => (step.action === 'run' ? `remove ${step.command}` : `rmmod ${step.module}`))
    .join('\n')
}
