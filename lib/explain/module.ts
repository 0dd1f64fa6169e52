import type { Explainer } from './explainer'

/** The holders. */
export const moduleUsers: Explainer = ({ name, holders }) =>
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
