/** How a user that was released is put back: one function for each kind of release. */
import type { ReleaseKind, User } from '../contract/types'
import type { Snapshot } from '../kernel/snapshot'
import { writeCommand } from './device'

type Undo = (user: User, snapshot: Snapshot) => string[] | null

const UNDO: Record<ReleaseKind, Undo> = {
  mount: (user, { mounts }) => {
    if (user.kind !== 'mount') return null
    const same = mounts.filter(({ path, pid }) => path === user.path && pid === user.pid)
    const [mount] = same
    // A folder of a file system, and several mounts on one folder, cannot be mounted again by the source.
    if (mount === undefined || same.length > 1 || mount.root !== '/') return null
    const { own, pid, type, options, source, path } = mount
    // The kernel writes a comma or a quote inside a value as an octal number.
    if (options.includes('\\')) return null
    return ['mount', ...(own ? [] : ['-N', String(pid)]), '-t', type, '-o', options, source, path]
  },
  swap: (user) => (user.kind === 'swap' ? ['swapon', user.path] : null),
  // A deleted interface is gone with its addresses and members.
  interface: ({ release: { command } }) =>
    command?.at(-1) === 'down' ? [...command.slice(0, -1), 'up'] : null,
  // How the device was set up is not known completely.
  block: () => null,
  device: (user) =>
    user.kind === 'device'
      ? writeCommand(`/sys/bus/${user.bus}/drivers/${user.driver}/bind`, user.device)
      : null,
  service: ({ release: { command } }) =>
    command?.map((word) => (word === 'stop' ? 'start' : word)) ?? null,
  process: () => null,
}

/** The argv that puts the user back as it is in this snapshot; `null`: there is none. */
export function undoOf(user: User, snapshot: Snapshot): string[] | null {
  const { kind } = user.release
  return kind === null ? null : UNDO[kind](user, snapshot)
}
