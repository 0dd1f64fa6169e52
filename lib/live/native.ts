/** Loads the addon, and declares the types of its functions. No other file requires a .node file. */
import { createRequire } from 'node:module'
import { KmodError } from '../contract/errors'
import type { NativeFailure } from '../kernel/failure'
import type { LogRecord } from '../kernel/kernel'
import { buildAdvice, findAddon } from './addon-file'

declare const logHandle: unique symbol
export interface NativeLog {
  readonly [logHandle]: true
}

declare const helperHandle: unique symbol
export interface NativeHelper {
  readonly [helperHandle]: true
}

declare const socketHandle: unique symbol
export interface NativeSocket {
  readonly [socketHandle]: true
}

/** The functions of native/addon.cc. A failure is a value, never an exception. */
export interface Native {
  /** Reads the table until two readings in a row name the same modules in the same order. */
  readTable(path: string): Promise<{ text: string; readings: number } | NativeFailure>
  /** `''`: no row has that name. */
  readTableRow(path: string, name: string): Promise<string | NativeFailure>
  readSysModules(
    folder: string,
    names: readonly string[],
  ): Promise<{ identity: string; initstate: string }[] | NativeFailure>
  /** A socket with the events of modules from now on. */
  openModuleEvents(): NativeSocket | NativeFailure
  /**
   * Until takeHelper() the handle owns the socket, and closes it when a worker is terminated.
   * `inherited` is given to the helper, and closed here.
   */
  spawnHelper(
    path: string,
    role: string,
    inherited?: NativeSocket,
  ): Promise<NativeHelper | NativeFailure>
  /** From now on the caller owns the socket, a descriptor. */
  takeHelper(helper: NativeHelper): { pid: number; socket: number }
  reapHelpers(): void
  /** Sends SIGKILL, if the helper has not ended. */
  killHelper(pid: number): void
  isHelperRunning(pid: number): boolean
  /** The signal that ended a helper; 0: it exited; `null`: it has not ended, or that is not known. */
  helperSignal(pid: number): number | null
  openLog(path: string): Promise<NativeLog | NativeFailure>
  readLog(log: NativeLog): Promise<{ records: LogRecord[]; lost: boolean } | NativeFailure>
  closeLog(log: NativeLog): void
  /** The classes of node-kmod/libkmod: NativeBinding in lib/libkmod/native.ts. */
  createBinding(): object
}

interface Loaded {
  native: Native
  /** The path of the helper executable, in the folder of the addon. */
  helper: string
}

let loaded: Loaded | undefined

/** Loads the addon at the first call, so that importing the package does not. Throws a KmodError. */
export function load(): Loaded {
  loaded ??= open()
  return loaded
}

function open(): Loaded {
  if (process.platform !== 'linux') {
    throw new KmodError(
      'ERR_KMOD_UNSUPPORTED',
      `This platform (${process.platform}) has no Linux kernel modules: node-kmod works on Linux only.`,
    )
  }
  let advice = ''
  try {
    const { addon, helper } = findAddon()
    advice = ` ${buildAdvice()}.`
    // Not `require`: a bundler replaces it, and a single executable has none for files.
    return { native: createRequire(addon)(addon) as Native, helper }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.split('\n')[0]! : String(cause)
    throw new KmodError(
      'ERR_KMOD_LIBRARY',
      `The native addon of node-kmod cannot be loaded: ${why}.${advice}`,
      { cause },
    )
  }
}
