/** The same command as root, if root can do more. */
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

/** Null if root would get the same error. */
export function commandAfterError(error: unknown, args: readonly string[]): string | null {
  return isKmodError(error, 'ERR_KMOD_PERMISSION') && isOrdinaryUser() ? asRoot(args) : null
}

/** Null if the answer is complete, or root could not read more. */
export function commandToReadMore(answer: unknown, args: readonly string[]): string | null {
  const isIncomplete =
    typeof answer === 'object' &&
    answer !== null &&
    'unreadable' in answer &&
    Array.isArray(answer.unreadable) &&
    answer.unreadable.length > 0
  return isIncomplete && isOrdinaryUser() ? asRoot(args) : null
}

function isOrdinaryUser(): boolean {
  return process.getuid !== undefined && process.getuid() !== 0
}

function asRoot(args: readonly string[]): string {
  // A Node.js below the home directory is on the user's PATH only.
  const path = SUDO_PATH.includes(dirname(process.execPath)) ? '' : 'env "PATH=$PATH" '
  return `sudo ${path}${shellCommand(['node-kmod', ...args])}`
}
