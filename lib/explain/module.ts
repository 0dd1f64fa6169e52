import type { LoadedModule, User } from '../contract/types'

/** The holders. */
export const moduleUsers = ({ name, holders }: LoadedModule): User[] =>
  holders.map((holder) => ({
    kind: 'module',
    module: name,
    name: holder,
    references: 1,
    release: {
      text: `unload module ${holder} first: kmod.unload('${holder}')`,
      command: ['modprobe', '-r', holder],
    },
  }))
