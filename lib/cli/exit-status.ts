/** The exit statuses and their meanings. */
import type { KmodErrorCode } from '../index'

export const DONE = 0
export const USAGE = 2
export const ABORTED = 130
const OTHER = 1

/** The meaning of each status, for the man page, and the codes of the errors that end with it. */
export const EXIT_STATUSES: readonly {
  status: number
  meaning: string
  codes: readonly string[]
}[] = [
  { status: DONE, meaning: 'done', codes: [] },
  { status: OTHER, meaning: 'any other failure', codes: [] },
  {
    status: USAGE,
    meaning: 'wrong usage; or consent was needed and not given (see --yes)',
    codes: [],
  },
  {
    status: 4,
    meaning: 'it cannot run here',
    codes: ['ERR_KMOD_UNSUPPORTED', 'ERR_KMOD_LIBRARY', 'ERR_KMOD_READ_ONLY', 'ERR_KMOD_VM'],
  },
  {
    status: 5,
    meaning: 'the guard, a remove command of modprobe.d or a release step prevented it',
    codes: ['ERR_KMOD_CRITICAL', 'ERR_KMOD_REMOVE_COMMAND', 'ERR_KMOD_RELEASE'],
  },
  {
    status: 6,
    meaning: 'there is no such module, it is not loaded, or it can never be unloaded',
    codes: ['ERR_KMOD_NOT_FOUND', 'ERR_KMOD_NOT_LOADED', 'ERR_KMOD_BUILTIN', 'ERR_KMOD_PERMANENT'],
  },
  {
    status: 70,
    meaning: 'a change is stuck inside the kernel',
    codes: ['ERR_KMOD_HUNG'],
  },
  {
    status: 75,
    meaning: 'something uses the module, or changed meanwhile: the same command may succeed later',
    codes: [
      'ERR_KMOD_HELD',
      'ERR_KMOD_IN_USE',
      'ERR_KMOD_TRANSIENT',
      'ERR_KMOD_TIMEOUT',
      'ERR_KMOD_NO_ANSWER',
      'ERR_KMOD_REAPPEARED',
      'ERR_KMOD_PLAN_CHANGED',
    ],
  },
  {
    status: 77,
    meaning: 'a permission is missing, or changes are disabled until the next boot',
    codes: ['ERR_KMOD_PERMISSION', 'ERR_KMOD_DISABLED'],
  },
  {
    status: ABORTED,
    meaning: 'interrupted by a signal',
    codes: ['ERR_KMOD_ABORTED'],
  },
]

/** The exit status for the code of a KmodError, of a blocker, or of an error of Node.js. */
export function statusOfCode(code: KmodErrorCode | (string & {})): number {
  if (/^(ERR_INVALID_ARG_|commander\.)/.test(code)) return USAGE
  // Of Node.js: a question that was interrupted.
  if (code === 'ABORT_ERR') return ABORTED
  return EXIT_STATUSES.find(({ codes }) => codes.includes(code))?.status ?? OTHER
}

export function statusOf(error: unknown): number {
  // commander.*: an argument or option that it does not accept.
  const hasCode = typeof error === 'object' && error !== null && 'code' in error
  return hasCode && typeof error.code === 'string' ? statusOfCode(error.code) : OTHER
}
