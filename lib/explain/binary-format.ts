/** Binary formats that are registered with binfmt_misc. */
import { using, type FindUsers } from './kind'

/** A format takes no reference; the mount of binfmt_misc does. Source: fs/binfmt_misc.c. */
export const binaryFormatUsers: FindUsers = (row, { binaryFormats }) =>
  using(binaryFormats, row).map(({ name, interpreter }) => ({
    kind: 'binfmt',
    module: row.name,
    name,
    value: interpreter,
    references: 0,
    release: {
      kind: null,
      text: `remove the binary format ${name} (${interpreter}): write -1 to /proc/sys/fs/binfmt_misc/${name}`,
      command: null,
    },
  }))
