/** Effects on the display and keyboard of this machine, and on the virtual machines that it runs. */
import { critical, disruptive, type FindEffects } from './shared-effect'

export const displays: FindEffects = (snapshot) =>
  snapshot.displays.map(({ name, modules }) =>
    critical('display', name, `The display ${name} would go dark.`, modules),
  )

/**
 * Critical is the loss of the last keyboard of a machine that has a display in use: nobody there could
 * answer it any more. A module can drive several keyboards, so this depends on the module.
 */
export const keyboards: FindEffects = (snapshot) => {
  const all = snapshot.keyboards
  const isLast = (module: string): boolean =>
    snapshot.displays.length > 0 && all.every(({ modules }) => modules.includes(module))
  return all.flatMap(({ input, name, modules }) => [
    critical(
      'input',
      input,
      `The keyboard ${input} (${name}), the last one of this machine, would stop working.`,
      modules.filter(isLast),
    ),
    disruptive(
      'input',
      input,
      `The keyboard ${input} (${name}) would stop working.`,
      modules.filter((module) => !isLast(module)),
    ),
  ])
}

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
