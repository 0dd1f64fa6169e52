/** KmodError, and the TypeErrors for wrong arguments. */
import { inspect } from 'node:util'
import type { Blocker, Effect, KmodErrorCode, UnloadPlan, UnloadReport, User } from './types'

/**
 * What an error carries besides its code and message. A detail is absent where it does not apply;
 * {@link isKmodError} with a code tells TypeScript which details are present.
 */
export interface KmodErrorDetails {
  /** The module that the error is about. */
  module?: string | undefined
  /** The error number of the system call, negative as in Node's own errors. */
  errno?: number | undefined
  /** The name of the error number, such as `EBUSY`. */
  errnoCode?: string | undefined
  /** The system call that failed, such as `delete_module`. */
  syscall?: string | undefined
  /** With ERR_KMOD_HELD: the loaded modules that use the module. */
  holders?: string[] | undefined
  /** With ERR_KMOD_IN_USE: how many references are not held by modules. */
  references?: number | undefined
  /**
   * With ERR_KMOD_HUNG: the process that is stuck inside the kernel. With ERR_KMOD_TRANSIENT: the
   * same, if an earlier call for this module rejected with ERR_KMOD_HUNG.
   */
  pid?: number | undefined
  /** With ERR_KMOD_HUNG: where in the kernel the process is stuck; `null`: not readable. */
  kernelStack?: string | null | undefined
  /** With ERR_KMOD_IN_USE of an unload, and with ERR_KMOD_TIMEOUT: what uses the module. */
  users?: User[] | undefined
  /** With ERR_KMOD_CRITICAL: what would stop working. */
  effect?: Effect | undefined
  /** With ERR_KMOD_REMOVE_COMMAND: the command, as modprobe.d has it and `/bin/sh` runs it. */
  shell?: string | undefined
  /** With ERR_KMOD_RELEASE: the user that could not be released. */
  user?: User | undefined
  /** With ERR_KMOD_RELEASE: the argv that should have released it. */
  command?: string[] | undefined
  /**
   * With ERR_KMOD_REMOVE_COMMAND and ERR_KMOD_RELEASE, if the command ran and ended: its exit status. 0
   * means that the module was still loaded afterwards, or that the user was still there.
   */
  exitCode?: number | undefined
  /** With the same codes, if a signal ended the command: the name of the signal. */
  signal?: string | undefined
  /** With the same codes, if the command ran: what it printed. */
  output?: string | undefined
  /** With ERR_KMOD_NO_ANSWER: what was asked, such as `read /proc/crypto`. */
  question?: string | undefined
  /** With ERR_KMOD_TIMEOUT: what the call waited for. */
  blocker?: Blocker | undefined
  /** With ERR_KMOD_VM: the end of what the guest's kernel printed; `''` if there was no guest yet. */
  console?: string | undefined
  /** Of an unload: the plan that failed. With ERR_KMOD_PLAN_CHANGED: the new plan. */
  plan?: UnloadPlan | undefined
  /**
   * With ERR_KMOD_PLAN_CHANGED: how the new plan differs from the given one, one sentence a
   * difference.
   */
  changes?: string[] | undefined
  /** Of a load that failed after it began: the kernel log since it began; `null`: not readable. */
  messages?: string[] | null | undefined
  /** Of a load that failed after it began: the modules that it loaded before the failure, in order. */
  loaded?: string[] | undefined
  /** Of an unload: what it did before it failed. */
  report?: UnloadReport | undefined
  /**
   * With ERR_KMOD_ABORTED: the reason of the signal. With ERR_KMOD_CALLBACK: what the callback threw. With
   * ERR_KMOD_TIMEOUT: the error that the call would have rejected with if it had not waited.
   */
  cause?: unknown
}

/** The details that an error with this code always has. */
interface DetailsByCode {
  ERR_KMOD_HELD: { holders: string[] }
  ERR_KMOD_IN_USE: { references: number }
  ERR_KMOD_CRITICAL: { effect: Effect }
  ERR_KMOD_REMOVE_COMMAND: { shell: string }
  ERR_KMOD_RELEASE: { user: User; command: string[]; output: string }
  ERR_KMOD_PLAN_CHANGED: { plan: UnloadPlan; changes: string[] }
  ERR_KMOD_TIMEOUT: { blocker: Blocker; users: User[] }
  ERR_KMOD_HUNG: { pid: number; kernelStack: string | null }
  ERR_KMOD_NO_ANSWER: { question: string }
  ERR_KMOD_REAPPEARED: { report: UnloadReport }
  ERR_KMOD_CALLBACK: { report: UnloadReport }
  ERR_KMOD_VM: { console: string }
  ERR_KMOD_LOAD: { messages: string[] | null; loaded: string[] }
}

type WithDetailsOf<C extends KmodErrorCode> = C extends keyof DetailsByCode
  ? { code: C } & DetailsByCode[C]
  : { code: C }

/**
 * Every failure except a wrong argument, which is a TypeError. `code` says what happened; the message
 * says what is wrong, with which module, and what to do next.
 */
export class KmodError extends Error implements KmodErrorDetails {
  /** What went wrong. */
  readonly code: KmodErrorCode
  declare readonly module?: string | undefined
  declare readonly errno?: number | undefined
  declare readonly errnoCode?: string | undefined
  declare readonly syscall?: string | undefined
  declare readonly holders?: string[] | undefined
  declare readonly references?: number | undefined
  declare readonly pid?: number | undefined
  declare readonly kernelStack?: string | null | undefined
  declare readonly users?: User[] | undefined
  declare readonly effect?: Effect | undefined
  declare readonly shell?: string | undefined
  declare readonly user?: User | undefined
  declare readonly command?: string[] | undefined
  declare readonly exitCode?: number | undefined
  declare readonly signal?: string | undefined
  declare readonly output?: string | undefined
  declare readonly question?: string | undefined
  declare readonly console?: string | undefined
  declare readonly blocker?: Blocker | undefined
  declare readonly plan?: UnloadPlan | undefined
  declare readonly changes?: string[] | undefined
  declare readonly messages?: string[] | null | undefined
  declare readonly loaded?: string[] | undefined
  declare readonly report?: UnloadReport | undefined
  /** What caused the error: see {@link KmodErrorDetails.cause}. */
  declare cause?: unknown

  constructor(code: KmodErrorCode, message: string, details: KmodErrorDetails = {}) {
    super(message)
    this.code = code
    for (const [key, value] of Object.entries(details)) {
      if (value !== undefined) Object.assign(this, { [key]: value as unknown })
    }
  }

  /** `KmodError`; with ERR_KMOD_ABORTED `AbortError`, as in Node's own functions. */
  override get name(): string {
    return this.code === 'ERR_KMOD_ABORTED' ? 'AbortError' : 'KmodError'
  }

  /** The name, the message, the code and all details, also those of the cause; not the stack. */
  toJSON(): Record<string, unknown> {
    const json: Record<string, unknown> = { name: this.name, message: this.message }
    for (const [key, value] of Object.entries(this)) {
      json[key] = key === 'cause' ? causeToJson(value) : value
    }
    return json
  }
}

function causeToJson(cause: unknown): unknown {
  if (cause instanceof KmodError) return cause.toJSON()
  if (!(cause instanceof Error)) return cause
  return Object.assign({ name: cause.name, message: cause.message }, cause)
}

/**
 * Whether `error` is an error of this package and has one of the codes; without codes, any code counts.
 * It compares codes, not classes, so it works with two copies of the package in one program.
 *
 * @example
 * ```js
 * if (isKmodError(error, 'ERR_KMOD_HELD')) console.error(error.holders)
 * ```
 */
export function isKmodError<C extends KmodErrorCode = KmodErrorCode>(
  error: unknown,
  ...codes: C[]
): error is KmodError & WithDetailsOf<C> {
  if (typeof error !== 'object' || error === null || !('code' in error)) return false
  const { code } = error
  if (typeof code !== 'string' || !code.startsWith('ERR_KMOD_')) return false
  return codes.length === 0 || (codes as string[]).includes(code)
}

function typeError(code: string, message: string): TypeError {
  return Object.assign(new TypeError(message), { code })
}

function received(value: unknown): string {
  const text = inspect(value, { depth: 0, breakLength: Infinity })
  return text.length > 80 ? `${text.slice(0, 80)}...` : text
}

/** The error for an argument of a wrong type. */
export function invalidType(argument: string, expected: string, value: unknown): TypeError {
  return typeError(
    'ERR_INVALID_ARG_TYPE',
    `The "${argument}" argument must be ${expected}. Received ${received(value)}`,
  )
}

/** The error for an argument of the right type with a wrong value. `advice`: more sentences, or ''. */
export function invalidValue(
  argument: string,
  expected: string,
  value: unknown,
  advice = '',
): TypeError {
  return typeError(
    'ERR_INVALID_ARG_VALUE',
    `The "${argument}" argument must be ${expected}. Received ${received(value)}${advice && `.${advice}`}`,
  )
}
