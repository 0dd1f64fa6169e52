/** The same command as root. */
import { dirname } from 'node:path'
import { isKmodError } from '../index'
import { shellCommand } from './text/words'

/** Where sudo looks for programs on Debian (secure_path), whatever the user's PATH is. */
const SUDO_PATH: readonly string[] = [
  '/usr/local/sbin',
  '/usr/local/bin',
  '/usr/sbin',
  '/usr/bin',
  '/sbin',
  '/bin',
]

/** Null if root would meet the same error. */
export function commandAsRoot(error: unknown, args: readonly string[]): string | null {
  if (!isKmodError(error, 'ERR_KMOD_PERMISSION') || process.getuid?.() === 0) return null
  return asRoot(args)
}

export function asRoot(args: readonly string[]): string {
  // A Node.js below the home directory is on the user's PATH only.
  const path = SUDO_PATH.includes(dirname(process.execPath)) ? '' : 'env "PATH=$PATH" '
  return `sudo ${path}${shellCommand(['node-kmod', ...args])}`
}
