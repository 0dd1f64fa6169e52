/** Where downloaded and built things are kept between runs. */
import { mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

const base =
  process.env.NODE_KMOD_CACHE ??
  join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'node-kmod')

/** A folder of the cache; made where it is missing. */
export function cacheFolder(...parts: string[]): string {
  const folder = join(base, ...parts)
  mkdirSync(folder, { recursive: true })
  return folder
}
