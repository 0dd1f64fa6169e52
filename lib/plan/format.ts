import type { UnloadPlan } from '../contract/types'

/** The steps of a plan, one line for each, as `modprobe -n -v -r` prints them. */
export function formatPlan({ steps }: UnloadPlan): string {
  return steps
    .map((step) => (step.action === 'run' ? `remove ${step.shell}` : `rmmod ${step.module}`))
    .join('\n')
}
