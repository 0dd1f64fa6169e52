import type { BlockUse, Snapshot } from '../kernel/snapshot'
import type { Guard } from './guard'

/**
 * Disks with nothing mounted on them and no swap; of the others, those are the effects. A disk that a
 * process writes to itself, as a database or a virtual machine may, is among them.
 */
export const storage: Guard = (snapshot) => {
  const inUse = usedBySystem(snapshot)
  return snapshot.blocks
    .filter((block) => !inUse.has(block.path))
    .map(({ path, modules, below }) => ({
      kind: 'storage',
      severity: 'disruptive',
      subject: path,
      message: `The block device ${path} would go away.`,
      modules: [...modules, ...below],
    }))
}

/** The devices that a mounted file system or a swap area lies on, through other devices or not. */
function usedBySystem({ blocks, mounts }: Snapshot): Set<string> {
  const mountPaths = new Set(mounts.map(({ path }) => path))
  const under = new Map<string, BlockUse[]>()
  for (const block of blocks) {
    for (const user of block.usedBy) under.set(user, [...(under.get(user) ?? []), block])
  }
  const found = new Set(
    blocks
      .filter(({ usedBy }) => usedBy.some((user) => user === 'swap' || mountPaths.has(user)))
      .map(({ path }) => path),
  )
  for (const path of found) for (const { path: lower } of under.get(path) ?? []) found.add(lower)
  return found
}
