import type { UnloadPlan } from '../contract/types'

/**
 * The steps of a plan as text, in the format of `modprobe -n -v -r`: one line for each step, `rmmod NAME`
 * or `remove COMMAND`, without a newline at the end.
 */
export function formatPlan({ steps }: UnloadPlan): string {
  return steps
    .map((step) => (step.action === 'run' ? `remove ${step.command}` : `rmmod ${step.module}`))
    .join('\n')
}
