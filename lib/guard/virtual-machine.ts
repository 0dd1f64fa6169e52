import type { Guard } from './guard'

/** It cannot be brought back: what it computes is gone with it. */
export const virtualMachine: Guard = ({ virtualMachines }) =>
  virtualMachines.map(({ pid, comm, modules }) => ({
    kind: 'virtual-machine',
    severity: 'critical',
    subject: String(pid),
    message: `The virtual machine of process ${pid}${comm === '' ? '' : ` (${comm})`} would end.`,
    modules,
  }))
