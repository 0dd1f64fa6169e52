/** Processes with files on a mount: they must end before the mount can be unmounted. */
import { printable } from '../contract/printable'
import type { User } from '../contract/types'
import type { FolderProcess } from '../kernel/kernel'
import { byHand, nameOf, releaseBy } from './holder'

/** As users of the module of the mount, on which the mount and not the process has the reference. */
export function folderProcessUser(module: string, process: FolderProcess): User {
  const { pid, comm, path, isOwn, unit, isOfOwnUnit } = process
  const user = { kind: 'process', module, pid, comm, path, fd: null, self: isOwn, unit } as const
  const holder = { pid, comm, self: isOwn, ancestor: false, unit, ownUnit: isOfOwnUnit }
  const { text, ...release } =
    isOwn || isOfOwnUnit
      ? byHand(`make ${nameOf(holder)} close its files: it uses ${path}`)
      : releaseBy(holder, path, 'in use')
  return { ...user, references: 0, release: { ...release, text: printable(text) } }
}
