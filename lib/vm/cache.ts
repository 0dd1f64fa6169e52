/** The folder that keeps downloaded kernels and built modules between runs. */
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, dirname, join } from 'node:path'

export function cacheFolder(): string {
  const { NODE_KMOD_CACHE, XDG_CACHE_HOME } = process.env
  return NODE_KMOD_CACHE ?? join(XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'node-kmod')
}

/**
 * A folder of the cache that is either complete or absent. `fill` writes into a temporary folder, which
 * is renamed when it is complete: an interrupted run leaves no half-filled folder behind, and two
 * processes can fill the same folder at the same time.
 *
 * @param record a file that every complete folder contains
 */
export async function filledFolder(
  parts: readonly string[],
  record: string,
  fill: (folder: string) => Promise<void>,
): Promise<string> {
  const folder = join(cacheFolder(), ...parts)
  const isComplete = (): boolean => existsSync(join(folder, record))
  if (isComplete()) return folder
  mkdirSync(dirname(folder), { recursive: true })
  const temporary = mkdtempSync(join(dirname(folder), `${basename(folder)}.`))
  try {
    await fill(temporary)
    if (!isComplete()) {
      rmSync(folder, { recursive: true, force: true })
      renameSync(temporary, folder)
    }
  } finally {
    rmSync(temporary, { recursive: true, force: true })
  }
  return folder
}
