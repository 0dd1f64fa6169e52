import type { Guard } from './guard'

/** The kernel cannot bring back what it has written there. */
export const swap: Guard = ({ swaps }) =>
  swaps.map(({ path, below }) => ({
    kind: 'swap',
    severity: 'critical',
    subject: path,
    message: `The swap area ${path} would be lost, with the memory that is in it.`,
    modules: below,
  }))
