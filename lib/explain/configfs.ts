/** Items that were created in configfs. */
import { firstText, using, type FindUsers } from './kind'

/**
 * Each item takes a reference to the module of its subsystem and one to that of its own type; a function
 * of a USB gadget and a backend of a target take one more. Source: configfs_mkdir() in fs/configfs/dir.c.
 */
export const configItemUsers: FindUsers = (row, { configItems }) =>
  using(configItems, row).map(({ path, subsystem, first, references }) => ({
    kind: 'configfs',
    module: row.name,
    name: path,
    value: subsystem,
    references: references.filter((module) => module === row.name).length,
    release: {
      kind: null,
      text: `${firstText(first.map((one) => `remove ${one}`))}remove ${path} from configfs`,
      command: first.length === 0 ? ['rmdir', path] : null,
    },
  }))
