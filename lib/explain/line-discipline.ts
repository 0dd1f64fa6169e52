/** Terminal line disciplines that the module provides. */
import { using, type FindUsers } from './kind'

/**
 * Each terminal that uses a line discipline takes a reference to its module. Only a process that has the
 * terminal open can ask which line discipline it uses, so the number of references is not known. Source:
 * tty_ldisc_get() in drivers/tty/tty_ldisc.c.
 */
export const lineDisciplineUsers: FindUsers = (row, { lineDisciplines }) =>
  using(lineDisciplines, row).map(({ name, number }) => ({
    kind: 'tty',
    module: row.name,
    name,
    value: `line discipline ${number}`,
    references: null,
    release: {
      kind: null,
      text: `stop the program that set a terminal to line discipline ${name} (such as ldattach, slattach or pppd), if there is one`,
      command: null,
    },
  }))
