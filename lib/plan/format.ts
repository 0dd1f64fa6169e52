import { printable } from '../contract/printable'
import type { UnloadPlan, UnloadStep } from '../contract/types'

/** The steps of a plan, one line for each, as `modprobe -n -v -r` prints them. */
export function formatPlan({ steps }: UnloadPlan): string {
  return steps.map(lineOf).join('\n')
}

function lineOf(step: UnloadStep): string {
  switch (step.action) {
    case 'remove':
      return `rmmod ${step.module}`
    case 'run':
      return `remove ${step.shell}`
    case 'release':
      return printable(step.command.join(' '))
    case 'load':
      return step.file === null ? `modprobe ${step.module}` : `insmod ${step.file}`
  }
}
