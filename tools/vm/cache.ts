/** The folder that keeps downloaded kernels and built modules between runs. */
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, dirname, join } from 'node:path'

const base =
  process.env.NODE_KMOD_CACHE ??
  join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'node-kmod')

/** A folder of the cache, created if it does not exist. */
export function cacheFolder(...parts: readonly string[]): string {
  const folder = join(base, ...parts)
  mkdirSync(folder, { recursive: true })
  return folder
}

/**
 * A folder of the cache that is either complete or absent. `fill` writes into a temporary folder, which
 * is renamed when it is complete: an interrupted run leaves no half-filled folder behind, and two
 * processes can fill the same folder at the same time.
 *
 * @param record a file that every complete folder contains
 */
export function filledFolder(
  parts: readonly string[],
  record: string,
  fill: (folder: string) => void,
): string {
  const folder = join(base, ...parts)
  const isComplete = (): boolean => existsSync(join(folder, record))
  if (isComplete()) return folder
  const temporary = mkdtempSync(join(cacheFolder(dirname(join(...parts))), `${basename(folder)}.`))
  try {
    fill(temporary)
    if (!isComplete()) {
      rmSync(folder, { recursive: true, force: true })
      renameSync(temporary, folder)
    }
  } finally {
    rmSync(temporary, { recursive: true, force: true })
  }
  return folder
}
