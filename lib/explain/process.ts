import type { Explainer } from './explainer'

/** The processes that have a device of the module open, once for each descriptor. */
export const processUsers: Explainer = ({ name }, { openDevices }) =>
  openDevices
    .filter(({ modules }) => modules.includes(name))
    .map(({ pid, comm, path, fd, self }) => ({
      kind: 'process',
      module: name,
      pid,
      comm,
      path,
      fd,
      self,
      references: 1,
      release: {
        text: `close ${path}, which ${self ? 'this process or a child of it' : 'process'} (${pid}, ${comm}) has ${fd === null ? 'mapped into its memory' : `open as descriptor ${fd}`}`,
        command: self ? null : ['kill', String(pid)],
      },
    }))
