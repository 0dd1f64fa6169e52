/** What stands in the way of a removal, in words, and the error that it makes. */
import { stuckPid } from './change'
import { KmodError, type KmodErrorDetails } from '../contract/errors'
import type { Blocker, Effect, LoadedModule } from '../contract/types'

type Of<C extends Blocker['code']> = Blocker & { code: C }

export function heldBlocker(module: string, holders: string[]): Of<'ERR_KMOD_HELD'> {
  const several = holders.length > 1
  return {
    code: 'ERR_KMOD_HELD',
    module,
    message: `Module ${module} is used by ${several ? 'modules' : 'module'} ${holders.join(', ')}. Remove ${several ? 'those' : 'that'} first; unload() does with holders: 'remove'.`,
    holders,
  }
}

/** `leaving`: holders that would go before it. */
export function inUseBlocker(
  module: string,
  references: number,
  leaving: readonly string[] = [],
): Of<'ERR_KMOD_IN_USE'> {
  // Some holders (the schedulers of ip_vs) take more references than that of their link, and nobody can
  // tell whose a reference is.
  const perhaps =
    leaving.length === 0
      ? ''
      : ` Some may be those of ${leaving.join(', ')}: unload ${leaving.length > 1 ? 'these' : 'that'} first, in a call of its own.`
  return {
    code: 'ERR_KMOD_IN_USE',
    module,
    message:
      references === 0
        ? `Module ${module} was in use when the kernel looked, and is not any more: try again.`
        : `Module ${module} is in use: ${references} ${references === 1 ? 'reference' : 'references'} by something that is no module, such as an open device, a mount, a socket or an interface. Find it and close it; explain('${module}') helps.${perhaps}`,
    references,
  }
}

export function permanentBlocker(module: string): Of<'ERR_KMOD_PERMANENT'> {
  return {
    code: 'ERR_KMOD_PERMANENT',
    module,
    message: `Module ${module} has no exit function: it stays until the next boot (only force would take it out, at the kernel's risk).`,
  }
}

/** A module on its way in or out. */
export function transientBlocker(
  module: string,
  state: LoadedModule['state'] | undefined,
): Of<'ERR_KMOD_TRANSIENT'> {
  const pid = stuckPid(module)
  return {
    code: 'ERR_KMOD_TRANSIENT',
    module,
    message:
      `Module ${module} is being ${state === 'loading' ? 'loaded' : 'unloaded'} right now` +
      (pid === undefined
        ? ': try again.'
        : `, by process ${pid}, which an earlier call gave up on.`),
  }
}

/** A module whose holders are all on their way out. */
export function leavingBlocker(module: string, holders: string[]): Of<'ERR_KMOD_TRANSIENT'> {
  return {
    code: 'ERR_KMOD_TRANSIENT',
    module,
    message: `Module ${module} is used by ${holders.join(', ')}, being unloaded right now: try again.`,
  }
}

export function commandBlocker(module: string, command: string): Of<'ERR_KMOD_REMOVE_COMMAND'> {
  return {
    code: 'ERR_KMOD_REMOVE_COMMAND',
    module,
    message: `modprobe.d has a command for the removal of module ${module}: ${command}. Allow it with commands: 'run', or do without it with commands: 'skip'.`,
    command,
  }
}

export function criticalBlocker(effect: Effect): Of<'ERR_KMOD_CRITICAL'> {
  return {
    code: 'ERR_KMOD_CRITICAL',
    module: effect.module,
    message: `${effect.message} If that is meant, accept it with allow: ['${effect.kind}:${effect.subject}'].`,
    effect,
  }
}

/** Why delete_module(2) was refused. EAGAIN: holders, or references. EBUSY: state, or permanent. */
export function refusedBlocker(
  module: string,
  row: LoadedModule | undefined,
  errno: 'EAGAIN' | 'EBUSY',
): Blocker {
  const holders = row?.holders ?? []
  if (errno === 'EAGAIN' && holders.length > 0) return heldBlocker(module, holders)
  // The count may have fallen since the kernel looked.
  if (errno === 'EAGAIN') return inUseBlocker(module, row?.refCount ?? 0)
  if (row?.state === 'live' && row.permanent) return permanentBlocker(module)
  return transientBlocker(module, row?.state)
}

/** Can this pass while one waits? */
export function canPass({ code }: Blocker): boolean {
  return code === 'ERR_KMOD_IN_USE' || code === 'ERR_KMOD_TRANSIENT'
}

/** The error with the blocker's code and all that the code brings. */
export function blockerError(blocker: Blocker, details: KmodErrorDetails = {}): KmodError {
  const { code, message, ...brings } = blocker
  const pid = code === 'ERR_KMOD_TRANSIENT' ? stuckPid(blocker.module) : undefined
  return new KmodError(code, message, { ...details, ...brings, ...(pid !== undefined && { pid }) })
}
