/** How a user that was released is put back: one function for each kind of release. */
import type { ReleaseKind, User } from '../contract/types'
import type { Kernel } from '../kernel/kernel'
import type { Snapshot } from '../kernel/snapshot'
import { writeCommand } from './device'

/** What an undo asks of the kernel. */
type Source = Pick<Kernel, 'loopSetup'>

type Undo = (
  user: User,
  snapshot: Snapshot,
  kernel: Source,
) => string[] | null | Promise<string[] | null>

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
  // A mapping may need a key, and other devices lose their contents.
  block: (user, _, kernel) => (user.kind === 'block' ? kernel.loopSetup(user.path) : null),
  device: (user) =>
    user.kind === 'device'
      ? writeCommand(`/sys/bus/${user.bus}/drivers/${user.driver}/bind`, user.device)
      : null,
  service: ({ release: { command } }) =>
    command?.map((word) => (word === 'stop' ? 'start' : word)) ?? null,
  process: () => null,
}

/** The argv that puts the user back as it is in this snapshot; `null`: there is none. */
export async function undoOf(
  kernel: Source,
  user: User,
  snapshot: Snapshot,
): Promise<string[] | null> {
  const { kind } = user.release
  return kind === null ? null : UNDO[kind](user, snapshot, kernel)
}
