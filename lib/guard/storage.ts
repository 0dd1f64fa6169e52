/** Effects on storage: file systems, swap, and disks that have neither of them. */
import type { Snapshot } from '../kernel/snapshot'
import { fileSystems } from '../snapshot/storage/mounts'
import { critical, disruptive, type FindEffects } from './shared-effect'
import { addTo } from '../kernel/lists'

export const rootFileSystem: FindEffects = ({ mounts }) =>
  mounts
    .filter(({ isRoot }) => isRoot)
    .map(({ type, source, modules, below }) =>
      critical(
        'root-filesystem',
        '/',
        `The root file system (${type} on ${source}) would be lost, and the system would stop working.`,
        [...modules, ...below],
      ),
    )

/** All file systems but the root, each once even if it is mounted several times. */
export const mountedFileSystems: FindEffects = ({ mounts }) =>
  fileSystems(mounts)
    .filter(({ mount, others }) => ![mount, ...others].some(({ isRoot }) => isRoot))
    .map(({ mount: { path, type, source, own, pid, modules, below } }) =>
      critical(
        'filesystem',
        path,
        `The file system at ${path} (${type} on ${source}${own ? '' : `, in the mount namespace of process ${pid}`}) would be lost.`,
        [...modules, ...below],
      ),
    )

/** Critical, because the kernel could not read back what it has written to swap. */
export const swapAreas: FindEffects = ({ swaps }) =>
  swaps.map(({ path, below }) =>
    critical(
      'swap',
      path,
      `The swap area ${path} and the memory contents that are stored in it would be lost.`,
      below,
    ),
  )

/** The drivers of disks whose contents are in memory. */
const IN_MEMORY = new Set(['brd', 'zram', 'mtdram', 'nandsim'])

/**
 * Disks without a mounted file system and without swap. (For other disks, the file system or swap is the
 * effect.) These include disks that a process uses directly, such as a database or a virtual machine.
 */
export const blockDevices: FindEffects = (snapshot) => {
  const inUse = usedBySystem(snapshot)
  return snapshot.blocks
    .filter((block) => !inUse.has(block.path))
    .map(({ path, modules, below }) => {
      const isMemory = IN_MEMORY.has(modules[0] ?? '')
      const message = isMemory
        ? `The block device ${path} would be removed, and its contents, which are in memory, lost.`
        : `The block device ${path} would be removed.`
      return disruptive('storage', path, message, [...modules, ...below])
    })
}

/** The devices below a mounted file system or a swap area, directly or through other devices. */
function usedBySystem({ blocks, mounts }: Snapshot): Set<string> {
  const mountPaths = new Set(mounts.map(({ path }) => path))
  const devicesUnder = new Map<string, string[]>()
  for (const { path, usedBy } of blocks) {
    for (const user of usedBy) addTo(devicesUnder, user, path)
  }
  const found = new Set(
    blocks
      .filter(({ usedBy }) => usedBy.some((user) => user === 'swap' || mountPaths.has(user)))
      .map(({ path }) => path),
  )
  // The loop also visits the paths that are added to the Set meanwhile: it ends at the lowest devices.
  for (const path of found) for (const lower of devicesUnder.get(path) ?? []) found.add(lower)
  return found
}
