/** Failures of the addon and of the helper, which they return as data, and the KmodError for each. */
import { KmodError, type KmodErrorDetails } from '../contract/errors'

/** The C++ counterpart is struct Failure in native/common/failure.h. */
export interface NativeFailure {
  failure: 'system' | 'library' | 'format' | 'unsupported' | 'transient' | 'permission'
  /** Positive; 0: no system call failed. */
  errno: number
  errnoName: string
  syscall: string
  /** The path, or the message of libkmod. */
  detail: string
}

export function isFailure(value: unknown): value is NativeFailure {
  return typeof value === 'object' && value !== null && 'failure' in value
}

/** `doing` completes "Cannot ...", as in "read the kernel log". */
export function failureToError(
  failure: NativeFailure,
  doing: string,
  more: KmodErrorDetails = {},
): KmodError {
  const because = failure.detail === '' ? '' : `: ${failure.detail.trimEnd()}`
  const details = {
    ...more,
    ...(failure.errno !== 0 && { errno: -failure.errno }),
    ...(failure.errnoName !== '' && { errnoCode: failure.errnoName }),
    ...(failure.syscall !== '' && { syscall: failure.syscall }),
  }
  switch (failure.failure) {
    case 'library':
      return new KmodError(
        'ERR_KMOD_LIBRARY',
        `Cannot ${doing}: libkmod cannot be loaded (${failure.detail}). Install the package that ` +
          'contains it: libkmod2 on Debian and Ubuntu, kmod-libs on Fedora, kmod elsewhere.',
        details,
      )
    case 'format':
      return new KmodError('ERR_KMOD_FORMAT', `Cannot ${doing}${because}.`, details)
    case 'unsupported':
      return new KmodError('ERR_KMOD_UNSUPPORTED', `Cannot ${doing}${because}.`, details)
    case 'transient':
      return new KmodError(
        'ERR_KMOD_TRANSIENT',
        `Cannot ${doing}${because}. Modules are being loaded or unloaded in quick succession: try again.`,
        details,
      )
    case 'permission':
      return new KmodError(
        'ERR_KMOD_PERMISSION',
        `Cannot ${doing}${because}. Start another helper program with the present privileges: \`await kmod.close()\`.`,
        details,
      )
    case 'system':
      return new KmodError(
        'ERR_KMOD_SYSTEM',
        `Cannot ${doing}${because}${failure.errnoName === '' ? '' : ` (${failure.errnoName})`}.`,
        details,
      )
  }
}

/** Returns the value, or throws the KmodError for a failure. */
export function unwrap<T>(value: T | NativeFailure, doing: string, details?: KmodErrorDetails): T {
  if (isFailure(value)) throw failureToError(value, doing, details)
  return value
}
