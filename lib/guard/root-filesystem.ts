import type { Guard } from './guard'

/** Without it the system cannot even tell what went wrong. */
export const rootFilesystem: Guard = ({ mounts }) =>
  mounts
    .filter(({ isRoot }) => isRoot)
    .map(({ type, source, modules, below }) => ({
      kind: 'root-filesystem',
      severity: 'critical',
      subject: '/',
      message: `The root file system (${type} on ${source}) would be lost, and with it the system.`,
      modules: [...modules, ...below],
    }))
