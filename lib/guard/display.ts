import type { Guard } from './guard'

/** Whoever sits in front of it sees nothing any more. */
export const display: Guard = ({ displays }) =>
  displays.map(({ name, modules }) => ({
    kind: 'display',
    severity: 'critical',
    subject: name,
    message: `The display ${name} would go dark.`,
    modules,
  }))
