/** Effects on what people see of this machine, and on the virtual machines that it runs. */
import { critical, type FindEffects } from './shared-effect'

export const displays: FindEffects = (snapshot) =>
  snapshot.displays.map(({ name, modules }) =>
    critical('display', name, `The display ${name} would go dark.`, modules),
  )

/** The state of a virtual machine is lost when it ends. */
export const virtualMachines: FindEffects = (snapshot) =>
  snapshot.virtualMachines.map(({ pid, comm, modules }) =>
    critical(
      'virtual-machine',
      String(pid),
      `The virtual machine of process ${pid}${comm === '' ? '' : ` (${comm})`} would end.`,
      modules,
    ),
  )
