/** Tells the steps of a plan apart: one module can have several. */
import type { UnloadStep } from '../contract/types'

/** Whether the step removes its module. */
export function removes({ action }: UnloadStep): boolean {
  return action === 'remove' || action === 'run'
}

/** The same for the same step of a plan that was made again. A removal has the name of its module. */
export function stepKey(step: UnloadStep): string {
  switch (step.action) {
    case 'release':
      return `release ${step.command.join('\0')}`
    case 'load':
      return `load ${step.module}`
    default:
      return step.module
  }
}
