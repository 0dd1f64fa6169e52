/** Processes that have a device file of the module open. */
import { using, type FindUsers } from './kind'

/** Lists one user for each descriptor or mapping, because each of them takes a reference. */
export const processUsers: FindUsers = (row, { openDevices }) =>
  using(openDevices, row).map(({ pid, comm, path, fd, self }) => {
    const owner = self ? 'this process or a child of it' : 'process'
    const how = fd === null ? 'mapped into its memory' : `open as descriptor ${fd}`
    return {
      kind: 'process',
      module: row.name,
      pid,
      comm,
      path,
      fd,
      self,
      references: 1,
      release: {
        kind: self ? null : 'process',
        text: `close ${path}, which ${owner} (${pid}, ${comm}) has ${how}`,
        command: self ? null : ['kill', String(pid)],
      },
    }
  })
