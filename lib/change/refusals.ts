/**
 * Why something cannot be done: the code and the message of every refusal. A plan lists them as
 * blockers, a call rejects with them, preflight() reports them; the message is the same everywhere.
 */
import { KmodError, type KmodErrorDetails } from '../contract/errors'
import { fileAdvice } from '../contract/names'
import { printable } from '../contract/printable'
import type {
  Blocker,
  Effect,
  KmodErrorCode,
  LoadedModule,
  User,
  WaitedFor,
} from '../contract/types'

/** A refusal that is not about one module. Each {@link Blocker} is a refusal too. */
export interface Refusal {
  code: KmodErrorCode
  message: string
}

type BlockerOf<C extends Blocker['code']> = Blocker & { code: C }

/** The error for a refusal. The other fields of a blocker become details of the error. */
export function refusalError(
  refusal: Refusal | Blocker,
  details: KmodErrorDetails = {},
): KmodError {
  const { code, message, ...fields } = refusal
  return new KmodError(code, message, { ...details, ...fields })
}

/** The same refusal, with what failed because of it; `doing` completes "Cannot ...". */
export function cannot(doing: string, { code, message }: Refusal): Refusal {
  return { code, message: `Cannot ${doing}. ${message}` }
}

// What this process and this kernel cannot do at all.

export const READ_ONLY: Refusal = {
  code: 'ERR_KMOD_READ_ONLY',
  message: 'With `root`, a system can only be inspected. Omit `root` to change the running kernel.',
}

export const NO_MODULES: Refusal = {
  code: 'ERR_KMOD_UNSUPPORTED',
  message: 'This kernel has no loadable modules (there is no /proc/modules).',
}

export const NO_UNLOADING: Refusal = {
  code: 'ERR_KMOD_UNSUPPORTED',
  message: 'This kernel cannot unload modules: it was built without CONFIG_MODULE_UNLOAD.',
}

/** A kernel without the option ignores the flag and does not report that. */
export const NO_FORCE: Refusal = {
  code: 'ERR_KMOD_UNSUPPORTED',
  message:
    'This kernel cannot remove modules by force: it was built without CONFIG_MODULE_FORCE_UNLOAD.',
}

export const MODULES_DISABLED: Refusal = {
  code: 'ERR_KMOD_DISABLED',
  message:
    'kernel.modules_disabled is set: no module can be loaded or unloaded until the next boot.',
}

export const NO_CAPABILITY: Refusal = {
  code: 'ERR_KMOD_PERMISSION',
  message:
    'This process lacks CAP_SYS_MODULE in the initial user namespace. Run it as root, outside of ' +
    'containers that drop the capability.',
}

/** For EPERM although the process has the capability. */
export const CALL_FORBIDDEN: Refusal = {
  code: 'ERR_KMOD_PERMISSION',
  message:
    'This process has CAP_SYS_MODULE, but a seccomp filter or a security module forbids the call.',
}

/** The kernel answers EPERM to every process. */
export function kernelBlacklist(module: string): Refusal {
  return {
    code: 'ERR_KMOD_PERMISSION',
    message: `The kernel refuses to load it, because module_blacklist= on the kernel command line names ${module}. Remove the name from it and reboot.`,
  }
}

// Modules that are not loaded.

/** What a caller can do about an unknown name, for each kind of call. */
const NOT_FOUND_ADVICE = {
  inspect: 'list() shows the loaded modules.',
  unload: 'Accept unknown names with allowUnknown: true.',
  load: 'To load a module that is not installed, give its file: load({ file }).',
  info: 'To inspect a module that is not installed, give its file: info({ file }).',
}

/** `similar`: an existing module with a similar name. */
export function notFoundBlocker(
  name: string,
  wanted: keyof typeof NOT_FOUND_ADVICE,
  similar?: string,
): BlockerOf<'ERR_KMOD_NOT_FOUND'> {
  const spelling =
    similar === undefined ? 'Check the spelling.' : `Did you mean "${printable(similar)}"?`
  const advice = fileAdvice(name) || ` ${spelling} ${NOT_FOUND_ADVICE[wanted]}`
  return {
    code: 'ERR_KMOD_NOT_FOUND',
    module: name,
    message: `The module index has no module or alias ${printable(name)}.${advice}`,
  }
}

export function notLoadedBlocker(module: string): BlockerOf<'ERR_KMOD_NOT_LOADED'> {
  return { code: 'ERR_KMOD_NOT_LOADED', module, message: `Module ${module} is not loaded.` }
}

export function builtinBlocker(module: string): BlockerOf<'ERR_KMOD_BUILTIN'> {
  return {
    code: 'ERR_KMOD_BUILTIN',
    module,
    message: `Module ${module} is built into the kernel: it cannot be loaded, unloaded, or loaded again with other parameters.`,
  }
}

// Modules that the kernel does not remove now.

export function heldBlocker(module: string, holders: string[]): BlockerOf<'ERR_KMOD_HELD'> {
  const several = holders.length > 1
  return {
    code: 'ERR_KMOD_HELD',
    module,
    message: `Module ${module} is used by the ${several ? 'modules' : 'module'} ${holders.join(', ')}. Unload ${several ? 'those' : 'that one'} first, or all together with holders: 'remove'.`,
    holders,
  }
}

/** For modules that use each other in a circle, which only the table of a captured system can have. */
export function heldInCircleBlocker(module: string, holders: string[]): BlockerOf<'ERR_KMOD_HELD'> {
  return {
    code: 'ERR_KMOD_HELD',
    module,
    message: `Module ${module} is used by ${holders.join(', ')}. According to the table of loaded modules they use each other in a circle, so no order of removals is possible. Check where this table comes from.`,
    holders,
  }
}

/** `users`: what is known to use it. `removedHolders`: holders that the same plan removes. */
export function inUseBlocker(
  module: string,
  references: number,
  { users = [], removedHolders = [] }: { users?: User[]; removedHolders?: readonly string[] } = {},
): BlockerOf<'ERR_KMOD_IN_USE'> {
  const count = `${references} ${references === 1 ? 'reference' : 'references'}`
  // Some modules (the schedulers of ip_vs) take more references than the one of their link, and the
  // kernel does not tell whose a reference is.
  const holdersAdvice =
    removedHolders.length === 0
      ? ''
      : ` Some of these references may belong to ${removedHolders.join(', ')}: unload ${removedHolders.length > 1 ? 'those modules' : 'that module'} first, in a separate call.`
  return {
    code: 'ERR_KMOD_IN_USE',
    module,
    message:
      references === 0
        ? `Module ${module} was in use when the kernel checked, but is not in use any more. Try again.`
        : `Module ${module} is in use: ${count} held by something other than a module (an open device, a mount, a socket, an interface). explain('${module}') lists what uses it.${holdersAdvice}`,
    references,
    users,
  }
}

export function permanentBlocker(module: string): BlockerOf<'ERR_KMOD_PERMANENT'> {
  return {
    code: 'ERR_KMOD_PERMANENT',
    module,
    message: `Module ${module} has no exit function and stays loaded until the next boot. Only force: true removes it, at the risk of a kernel crash.`,
  }
}

/**
 * For a module that is being loaded or unloaded. `pid`: the process that is stuck in the kernel
 * with it, if an earlier call has stopped waiting for that process.
 */
export function transientBlocker(
  module: string,
  state: LoadedModule['state'] | undefined,
  pid: number | undefined,
): BlockerOf<'ERR_KMOD_TRANSIENT'> {
  const doing = `Module ${module} is being ${state === 'loading' ? 'loaded' : 'unloaded'}`
  if (pid === undefined) {
    return { code: 'ERR_KMOD_TRANSIENT', module, message: `${doing} at the moment. Try again.` }
  }
  return {
    code: 'ERR_KMOD_TRANSIENT',
    module,
    message: `${doing} by process ${pid}, which was still inside the kernel when an earlier call stopped waiting for it. See /proc/${pid}/stack and the kernel log.`,
    pid,
  }
}

/** For a module whose holders are all being unloaded. */
export function heldByUnloadingBlocker(
  module: string,
  holders: string[],
): BlockerOf<'ERR_KMOD_TRANSIENT'> {
  return {
    code: 'ERR_KMOD_TRANSIENT',
    module,
    message: `Module ${module} is used by ${holders.join(', ')}, which ${holders.length > 1 ? 'are' : 'is'} being unloaded at the moment. Try again.`,
  }
}

/** For a module that another call of this process works on. */
export function queuedBlocker(module: string): BlockerOf<'ERR_KMOD_TRANSIENT'> {
  return {
    code: 'ERR_KMOD_TRANSIENT',
    module,
    message: `Another call of this process works on module ${module}, or on a module that would be removed with it. Await that call, or allow more time with a larger \`wait\`.`,
  }
}

/** For `onStep`, called with a step of this module: its promise has not settled. */
export function callbackBlocker(module: string): BlockerOf<'ERR_KMOD_TRANSIENT'> {
  return {
    code: 'ERR_KMOD_TRANSIENT',
    module,
    message: `The promise that the callback returned for module ${module} has not settled.`,
  }
}

/**
 * Why delete_module(2) refused. The kernel has two answers for four reasons, and the module's row
 * in the table tells them apart: EAGAIN is for holders or references, EBUSY for the state or a
 * missing exit function.
 */
export function refusedRemovalBlocker(
  module: string,
  row: LoadedModule | undefined,
  errno: 'EAGAIN' | 'EBUSY',
  pid: number | undefined,
): Blocker {
  const holders = row?.holders ?? []
  if (errno === 'EAGAIN' && holders.length > 0) return heldBlocker(module, holders)
  // The count may have fallen since the kernel checked it.
  if (errno === 'EAGAIN') return inUseBlocker(module, row?.refCount ?? 0)
  if (row?.state === 'live' && row.permanent) return permanentBlocker(module)
  return transientBlocker(module, row?.state, pid)
}

// What the options of the call do not allow.

export function removeCommandBlocker(
  module: string,
  shell: string,
): BlockerOf<'ERR_KMOD_REMOVE_COMMAND'> {
  return {
    code: 'ERR_KMOD_REMOVE_COMMAND',
    module,
    message: `modprobe.d has a remove command for module ${module}: ${shell}. Run it with commands: 'run', or remove the module without it with commands: 'skip'.`,
    shell,
  }
}

/** `question`: what the system did not answer, such as "read /proc/swaps". */
export function noAnswerBlocker(module: string, question: string): BlockerOf<'ERR_KMOD_NO_ANSWER'> {
  return {
    code: 'ERR_KMOD_NO_ANSWER',
    module,
    message: `It is not known what would stop working without module ${module}: the system did not answer in time (${question}). See the kernel log for a module that hangs. To unload it without the answer, use guard: 'off'.`,
    question,
  }
}

export function criticalBlocker(effect: Effect): BlockerOf<'ERR_KMOD_CRITICAL'> {
  return {
    code: 'ERR_KMOD_CRITICAL',
    module: effect.module,
    message: `${effect.message} Accept this effect with allow: ['${effect.kind}:${effect.subject}'].`,
    effect,
  }
}

/** The blockers that can disappear while a call waits, as the option `waitFor` names them. */
const WAITED_FOR: Partial<Record<Blocker['code'], WaitedFor>> = {
  ERR_KMOD_HELD: 'held',
  ERR_KMOD_IN_USE: 'in-use',
  ERR_KMOD_TRANSIENT: 'transient',
}

const DEFAULT_WAIT_FOR: readonly WaitedFor[] = ['in-use', 'transient']

/** Whether a call with this option `waitFor` waits for the blocker to disappear. */
export function isWaitedFor(
  { code }: Blocker,
  waitFor: readonly WaitedFor[] = DEFAULT_WAIT_FOR,
): boolean {
  const name = WAITED_FOR[code]
  return name !== undefined && waitFor.includes(name)
}

// What ends a call that has begun.

/** `cause`: more details for the error of the blocker, which is the `cause` of the timeout. */
export function timeoutError(
  milliseconds: number,
  blocker: Blocker,
  { cause = {}, ...details }: KmodErrorDetails & { cause?: KmodErrorDetails },
): KmodError {
  return new KmodError(
    'ERR_KMOD_TIMEOUT',
    `The call gave up after waiting for ${milliseconds} ms. ${blocker.message}`,
    { module: blocker.module, blocker, ...details, cause: refusalError(blocker, cause) },
  )
}

export function reappearedError(module: string): KmodError {
  return new KmodError(
    'ERR_KMOD_REAPPEARED',
    `Module ${module} was removed, and something else loaded it again. Find out what loads it (udev, a service, an alias); \`blacklist ${module}\` in modprobe.d prevents loading by alias.`,
    { module },
  )
}

export function alreadyLoadedError(module: string, details: KmodErrorDetails = {}): KmodError {
  return new KmodError(
    'ERR_KMOD_ALREADY_LOADED',
    `Module ${module} is already loaded. To load it again, or with other parameters, unload it first.`,
    { module, ...details },
  )
}

/** `loaded`: the srcversion of the loaded module; `null`, here and for the file: it has none. */
export function otherBuildLoadedError(
  module: string,
  loaded: string | null,
  file: { path: string; srcVersion: string | null },
): KmodError {
  return new KmodError(
    'ERR_KMOD_ALREADY_LOADED',
    `Another build of module ${module} is loaded: its srcversion is ${loaded ?? 'not set'}, and that of ${file.path} is ${file.srcVersion ?? 'not set'}. Unload ${module} first, then load the file.`,
    { module },
  )
}
