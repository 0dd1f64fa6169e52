/** Effects on the display and keyboard of this machine, and on the virtual machines that it runs. */
import { critical, disruptive, type FindEffects } from './shared-effect'

export const displays: FindEffects = (snapshot) =>
  snapshot.displays.map(({ name, modules }) =>
    critical('display', name, `The display ${name} would stop working.`, modules),
  )

/**
 * The loss of the last keyboard is critical if the machine has a display in use, because its user could
 * not type any more. A module can drive several keyboards, so a keyboard counts as the last one for a
 * module if all keyboards depend on that module.
 */
export const keyboards: FindEffects = (snapshot) => {
  const all = snapshot.keyboards
  const isLast = (module: string): boolean =>
    snapshot.displays.length > 0 && all.every(({ modules }) => modules.includes(module))
  return all.flatMap(({ input, name, modules }) => [
    critical(
      'input',
      input,
      `The keyboard ${input} (${name}) would stop working, and no other keyboard would be left.`,
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
