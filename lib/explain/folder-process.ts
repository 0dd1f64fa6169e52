/** Processes with files on a mount: they must end before the mount can be unmounted. */
import { printable } from '../contract/printable'
import type { User } from '../contract/types'
import type { FolderProcess } from '../kernel/kernel'

/** As users of the module of the mount, on which the mount and not the process has the reference. */
export function folderProcessUser(module: string, process: FolderProcess): User {
  const { pid, comm, path, isOwn, unit, isOfOwnUnit } = process
  const who = `process ${pid} (${printable(comm)})`
  const use = `it uses ${printable(path)}`
  const user = { kind: 'process', module, pid, comm, path, fd: null, self: isOwn } as const
  const release =
    isOwn || isOfOwnUnit
      ? { kind: null, text: `${who} must close its files: ${use}`, command: null }
      : unit !== null
        ? {
            kind: 'service' as const,
            text: `stop the service ${unit} of ${who}: ${use}`,
            command: ['systemctl', 'stop', unit],
          }
        : {
            kind: 'process' as const,
            text: `end ${who}: ${use}`,
            command: ['kill', String(pid)],
          }
  return { ...user, references: 0, release }
}
