/** Terminal line disciplines that the module provides. */
import { using, type FindUsers } from './kind'

/**
 * Each terminal that uses a line discipline takes a reference to its module. Only a process that has the
 * terminal open can ask which line discipline it uses, so the number of references is known only of a
 * discipline that makes an interface of each terminal. Source:
 * tty_ldisc_get() in drivers/tty/tty_ldisc.c.
 */
export const lineDisciplineUsers: FindUsers = (row, { lineDisciplines }) =>
  using(lineDisciplines, row).map(({ name, number, interfaces }) => ({
    kind: 'tty',
    module: row.name,
    name,
    value: `line discipline ${number}`,
    // An interface exists as long as its terminal has the discipline.
    references: interfaces?.length ?? null,
    release: {
      kind: null,
      text: textOf(name, interfaces),
      command: null,
    },
  }))

function textOf(name: string, interfaces: readonly string[] | null): string {
  const programs = `(such as ldattach, slattach or pppd)`
  if (interfaces === null) {
    return `stop the program that set a terminal to line discipline ${name} ${programs}, if there is one`
  }
  return interfaces.length === 0
    ? `no terminal uses line discipline ${name}`
    : `stop the programs ${programs} whose terminals are the interfaces ${interfaces.join(', ')}`
}
