/** Line disciplines of terminals that the module provides. */
import { using, type FindUsers } from './kind'

/**
 * Each terminal that uses a line discipline takes a reference of its module. The kernel tells which one a
 * terminal uses only to a process that has the terminal open, so that the number is not known. Source:
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
      text: `end what has set a terminal to line discipline ${name} (such as ldattach, slattach or pppd), if anything has`,
      command: null,
    },
  }))
