/** The one error class, and the TypeErrors for arguments of the wrong kind. */
import { inspect } from 'node:util'
import type { Blocker, Effect, KmodErrorCode, UnloadPlan, UnloadReport, User } from './types'

/** What an error carries besides its code and message, each where the code says so. */
export interface KmodErrorDetails {
  module?: string
  /** Negative, as Node's own. */
  errno?: number
  /** Such as `EBUSY`. */
  errnoCode?: string
  syscall?: string
  /** ERR_KMOD_HELD: the loaded modules that use it. */
  holders?: string[]
  /** ERR_KMOD_IN_USE: references that are not modules. */
  references?: number
  /** ERR_KMOD_HUNG: the process that is stuck in the kernel. ERR_KMOD_TRANSIENT after it: likewise. */
  pid?: number
  /** ERR_KMOD_HUNG: where in the kernel it is stuck; `null`: not readable. */
  kernelStack?: string | null
  /** ERR_KMOD_IN_USE and ERR_KMOD_TIMEOUT of an unload: what uses the module. */
  users?: User[]
  /** ERR_KMOD_CRITICAL: what would stop working. */
  effect?: Effect
  /** ERR_KMOD_REMOVE_COMMAND, as modprobe.d has it. */
  command?: string
  /** ERR_KMOD_REMOVE_COMMAND: how it ended; `exitCode` 0 where the module was still loaded then. */
  exitCode?: number
  signal?: string
  /** ERR_KMOD_TIMEOUT: what was waited for. */
  blocker?: Blocker
  /** The plan that could not be carried out; ERR_KMOD_PLAN_CHANGED: the new one. */
  plan?: UnloadPlan
  /** What an unload had done when it failed. */
  report?: UnloadReport
  cause?: unknown
}

/** What each code brings for sure. */
interface Brings {
  ERR_KMOD_HELD: { holders: string[] }
  ERR_KMOD_IN_USE: { references: number }
  ERR_KMOD_CRITICAL: { effect: Effect }
  ERR_KMOD_REMOVE_COMMAND: { command: string }
  ERR_KMOD_PLAN_CHANGED: { plan: UnloadPlan }
  ERR_KMOD_TIMEOUT: { blocker: Blocker; users: User[] }
  ERR_KMOD_HUNG: { pid: number; kernelStack: string | null }
}

type WithCode<C extends KmodErrorCode> = C extends keyof Brings
  ? { code: C } & Brings[C]
  : { code: C }

/**
 * Every failure that is not a wrong argument. `code` tells what happened; the message says what is
 * wrong, about which module, and what to do next.
 */
export class KmodError extends Error implements KmodErrorDetails {
  readonly code: KmodErrorCode
  declare readonly module?: string
  declare readonly errno?: number
  declare readonly errnoCode?: string
  declare readonly syscall?: string
  declare readonly holders?: string[]
  declare readonly references?: number
  declare readonly pid?: number
  declare readonly kernelStack?: string | null
  declare readonly users?: User[]
  declare readonly effect?: Effect
  declare readonly command?: string
  declare readonly exitCode?: number
  declare readonly signal?: string
  declare readonly blocker?: Blocker
  declare readonly plan?: UnloadPlan
  declare readonly report?: UnloadReport
  declare cause?: unknown

  constructor(code: KmodErrorCode, message: string, details: KmodErrorDetails = {}) {
    super(message)
    this.code = code
    for (const [key, value] of Object.entries(details)) {
      if (value !== undefined) Object.assign(this, { [key]: value as unknown })
    }
  }

  /** `KmodError`; `AbortError` for ERR_KMOD_ABORTED, as everywhere in Node. */
  override get name(): string {
    return this.code === 'ERR_KMOD_ABORTED' ? 'AbortError' : 'KmodError'
  }

  /** Everything, message and cause too, without the stack. */
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
 * Is this an error of this package, and with one of these codes (any code if none is named)? Tells
 * by code, not by class: it works across two copies of the package.
 */
export function isKmodError<C extends KmodErrorCode = KmodErrorCode>(
  error: unknown,
  ...codes: C[]
): error is KmodError & WithCode<C> {
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

/** For an argument of another type than the function takes. */
export function invalidType(argument: string, expected: string, value: unknown): TypeError {
  return typeError(
    'ERR_INVALID_ARG_TYPE',
    `The "${argument}" argument must be ${expected}. Received ${received(value)}`,
  )
}

/** For an argument of the right type with a value that cannot be. */
export function invalidValue(argument: string, expected: string, value: unknown): TypeError {
  return typeError(
    'ERR_INVALID_ARG_VALUE',
    `The "${argument}" argument must be ${expected}. Received ${received(value)}`,
  )
}
