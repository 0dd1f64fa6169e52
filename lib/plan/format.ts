import type { UnloadPlan } from '../contract/types'

/** One line for each step, as `modprobe -n -v -r` prints it. */
export function formatPlan({ steps }: UnloadPlan): string {
  return steps
    .map((step) => (step.action === 'run' ? `remove ${step.shell}` : `rmmod ${step.module}`))
    .join('\n')
}
