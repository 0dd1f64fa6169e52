/** The errors for removals and insertions that failed. */
import { isKmodError, KmodError, type KmodErrorDetails } from '../contract/errors'
import { printable } from '../contract/printable'
import { failureToError, type NativeFailure } from '../kernel/failure'
import type { Change, InsertRequest, Kernel, KernelFacts } from '../kernel/kernel'
import { callsOn } from './calls'
import type { ChangeOutcome } from './change'
import {
  alreadyLoadedError,
  CALL_FORBIDDEN,
  cannot,
  kernelBlacklist,
  MODULES_DISABLED,
  NO_CAPABILITY,
  NO_MODULES,
  NO_UNLOADING,
  notFoundBlocker,
  refusalError,
  refusedRemovalBlocker,
  type Refusal,
} from './refusals'

type FailedChange = Exclude<ChangeOutcome, { outcome: 'done' }>

/**
 * The errno of delete_module(2); '' if the removal ended in any other way. The same number from
 * another system call means something else: fork(2) gives EAGAIN when there are too many processes.
 */
export function removalErrno(end: ChangeOutcome): string {
  if (end.outcome !== 'refused' || end.failure.failure !== 'system') return ''
  return end.failure.syscall === 'delete_module' ? end.failure.errnoName : ''
}

/** Native code returns positive error numbers; the errors of Node have negative ones. */
export function failureDetails(module: string, failure: NativeFailure): KmodErrorDetails {
  return {
    module,
    ...(failure.errno !== 0 && { errno: -failure.errno, errnoCode: failure.errnoName }),
    ...(failure.syscall !== '' && { syscall: failure.syscall }),
  }
}

export async function removalError(
  kernel: Kernel,
  module: string,
  end: FailedChange,
): Promise<KmodError> {
  const doing = `remove module ${module}`
  switch (end.outcome) {
    case 'abandoned':
      return end.error
    case 'killed':
      return new KmodError(
        'ERR_KMOD_SYSTEM',
        `Cannot ${doing}: the kernel killed the process that called it (signal ${end.signal}), as it ` +
          "does after an oops in a module's exit function. The module stays in the state " +
          '"unloading" until the next boot: see the kernel log.',
        { module },
      )
    case 'lost':
      return new KmodError(
        'ERR_KMOD_SYSTEM',
        `The helper program ended while it removed module ${module}, so the result is unknown. Call status('${module}').`,
        { module },
      )
    case 'refused':
      break
  }
  const details = failureDetails(module, end.failure)
  const errno = removalErrno(end)
  switch (errno) {
    case 'EAGAIN':
    case 'EBUSY': {
      const pid = callsOn(kernel).stuck.pid(module)
      const row = await kernel.row(module)
      const blocker = refusedRemovalBlocker(module, row, errno, pid)
      if (blocker.code !== 'ERR_KMOD_IN_USE') return refusalError(blocker, details)
      // remove() does not look for users, and an empty list would mean that there are none.
      const { code, message, references } = blocker
      return new KmodError(code, message, { ...details, references })
    }
    case 'EPERM':
      return refusalError(cannot(doing, missingPermission(await kernel.facts())), details)
    case 'ENOSYS':
      return refusalError(cannot(doing, NO_UNLOADING), details)
    default:
      return failureToError(end.failure, doing, { module })
  }
}

/** What the errno of an insertion means. The kernel log says more. */
const INSERTION_HINTS: Record<string, string> = {
  ENOENT: 'it needs a symbol that no loaded module exports, or its file is missing',
  ENOEXEC: 'it was built for another kernel, or its file is damaged (compare `vermagic`)',
  EINVAL: 'its file is damaged, or the module rejects a parameter',
  ENODEV: 'it found no device that it drives',
  ENOKEY: 'the kernel requires a signature by a key that it trusts',
  EKEYREJECTED: 'the kernel requires a signature by a key that it trusts',
  EBADMSG: 'its signature is damaged',
  ENOMEM: 'there is not enough memory',
}

/**
 * The error is about the module whose insertion failed: the requested one, or one that it needs.
 * `logged`: what the kernel has logged since the call started, if that is known.
 */
export async function insertionError(
  kernel: Kernel,
  request: InsertRequest,
  change: Change,
  end: FailedChange,
  logged: readonly string[] = [],
): Promise<KmodError> {
  if (end.outcome === 'abandoned') return end.error
  const target = request.module
  // The last attempt is the one that failed: libkmod continues after a soft dependency that failed.
  const attempt = change.attempts.at(-1)
  const module = attempt?.module ?? target
  const doing =
    module === target ? `load module ${target}` : `load module ${module}, which ${target} needs`
  if (end.outcome === 'killed') {
    return new KmodError(
      'ERR_KMOD_LOAD',
      attempt?.command
        ? `Cannot ${doing}: its install command in modprobe.d was killed (signal ${end.signal}).`
        : `Cannot ${doing}: the kernel killed the process that called it (signal ${end.signal}), as it does after an oops in a module's init function: see the kernel log.`,
      { module },
    )
  }
  if (end.outcome === 'lost') {
    return new KmodError(
      'ERR_KMOD_SYSTEM',
      `The helper program ended while it loaded module ${target}, so the result is unknown. Call status('${target}').`,
      { module },
    )
  }
  const { failure } = end
  if (failure.failure !== 'system') return failureToError(failure, doing, { module })
  const details = failureDetails(module, failure)
  const { errnoName } = failure
  if (errnoName === 'ENOENT' && failure.syscall === '') {
    return refusalError(cannot(doing, notFoundBlocker(module, 'load')), details)
  }
  if (errnoName === 'EEXIST') return alreadyLoadedError(module, details)
  if (errnoName === 'ENOSYS') return refusalError(cannot(doing, NO_MODULES), details)
  if (errnoName === 'EPERM') {
    const refusal = await refusalOfLoad(kernel, module)
    if (refusal !== null) return refusalError(cannot(doing, refusal), details)
  }
  const versions = errnoName === 'ENOEXEC' ? await vermagics(kernel, request, module, logged) : null
  const reasons = [
    errnoName,
    versions ?? INSERTION_HINTS[errnoName],
    failure.detail.trim(),
    ...quotesAbout(module, logged),
  ]
  return new KmodError(
    'ERR_KMOD_LOAD',
    `Cannot ${doing}: ${reasons.filter((text) => text).join('; ')}.`,
    details,
  )
}

/** For an insertion that succeeded although the module is not loaded afterwards. */
export function notLoadedError(module: string, { attempts }: Change): KmodError {
  return new KmodError(
    'ERR_KMOD_LOAD',
    attempts.some((attempt) => attempt.command && attempt.module === module)
      ? `The install command of module ${module} in modprobe.d ended with status 0, but the module is not loaded.`
      : `Module ${module} was loaded, but is not loaded any more: something else removed it, or it removed itself.`,
    { module },
  )
}

/** Lines of the log that a message quotes at most; `messages` of the error has all of them. */
const MOST_QUOTED = 3

/** Quotes the last log lines that begin with the module's name, as the kernel's loader writes them. */
function quotesAbout(module: string, logged: readonly string[]): string[] {
  const lines = logged.filter((line) => line.startsWith(`${module}: `))
  return lines.slice(-MOST_QUOTED).map((line) => `the kernel logged "${printable(line)}"`)
}

/** Says that the file was built for another kernel; `null`: it was not, or that is unknown. */
async function vermagics(
  kernel: Kernel,
  { what, module: target }: InsertRequest,
  module: string,
  logged: readonly string[],
): Promise<string | null> {
  for (const line of logged) {
    // Source: check_modinfo() in kernel/module/main.c.
    const [, name, file, own] = /^(\S+): version magic '(.*)' should be '(.*)'/.exec(line) ?? []
    if (name === module) {
      return `its file was built for another kernel: the vermagic of the file is '${file}', and that of the kernel is '${own}'`
    }
  }
  const isFile = typeof what !== 'string' && module === target
  const described = isFile ? kernel.index.describeFile(what.file) : kernel.index.describe(module)
  const description = await described.catch((error: unknown) => {
    // The call rejects with the error of the insertion, not with an error of this reading.
    if (!isKmodError(error)) throw error
    return null
  })
  const file = description?.fields.find(({ key }) => key === 'vermagic')?.value.trim()
  const { release } = (await kernel.facts()).kernel
  if (file === undefined || file.split(' ')[0] === release) return null
  return `its file was built for another kernel: the vermagic of the file is '${file}', and this kernel is ${release}`
}

/** Why the kernel answered EPERM; `null`: the reason is the module, not the process. */
async function refusalOfLoad(kernel: Kernel, module: string): Promise<Refusal | null> {
  const facts = await kernel.facts()
  const missing = missingPermission(facts)
  if (missing !== CALL_FORBIDDEN) return missing
  if (facts.kernelBlacklist.includes(module)) return kernelBlacklist(module)
  // Under lockdown the kernel answers EPERM for a module without a signature, to every process.
  const { lockdown } = facts.kernel
  return lockdown === null || lockdown === 'none' ? CALL_FORBIDDEN : null
}

/** Why the kernel may have answered EPERM. */
function missingPermission(facts: KernelFacts): Refusal {
  if (facts.kernel.modulesDisabled) return MODULES_DISABLED
  return facts.capability ? CALL_FORBIDDEN : NO_CAPABILITY
}
