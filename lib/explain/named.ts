import type { Explainer } from './explainer'

/** All that takes no more words than a name and a value. */
export const namedUsers: Explainer = ({ name: module }, { named }) =>
  named
    .filter(({ modules }) => modules.includes(module))
    .map(({ kind, name, value, references, release }) => ({
      kind,
      module,
      name,
      value,
      references,
      release,
    }))
