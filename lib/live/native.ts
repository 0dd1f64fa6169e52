/** Loads the addon, and types its whole surface. Nobody else requires a .node file. */
import { dirname, join } from 'node:path'
import bindings from 'bindings'
import { KmodError } from '../contract/errors'
import type { NativeFailure } from '../kernel/failure'
import type { LogRecord } from '../kernel/kernel'

declare const logHandle: unique symbol
export interface NativeLog {
  readonly [logHandle]: true
}

export interface Native {
  readTable(path: string): Promise<{ text: string; readings: number } | NativeFailure>
  /** `''`: there is none. */
  readTableRow(path: string, name: string): Promise<string | NativeFailure>
  readSysModules(
    folder: string,
    names: readonly string[],
  ): Promise<{ identity: string; initstate: string }[] | NativeFailure>
  readFiles(paths: readonly string[]): Promise<(string | NativeFailure)[]>
  /** What each link leads to, as it is written there. */
  readLinks(paths: readonly string[]): Promise<(string | NativeFailure)[]>
  spawnHelper(path: string, role: string): Promise<{ pid: number; socket: number } | NativeFailure>
  reapHelpers(): void
  openLog(path: string): Promise<NativeLog | NativeFailure>
  readLog(log: NativeLog): Promise<{ records: LogRecord[]; lost: boolean } | NativeFailure>
  closeLog(log: NativeLog): void
}

/** The addon's file: for those who keep it elsewhere, and for the build with sanitizers. */
const OVERRIDE = 'NODE_KMOD_BINDING'

interface Loaded {
  native: Native
  /** The helper executable, beside the addon. */
  helper: string
}

let loaded: Loaded | undefined

/** Loads the addon at the first call. */
export function load(): Loaded {
  loaded ??= open()
  return loaded
}

function open(): Loaded {
  if (process.platform !== 'linux') {
    throw new KmodError(
      'ERR_KMOD_UNSUPPORTED',
      `There are no Linux kernel modules on ${process.platform}: this works on Linux only.`,
    )
  }
  try {
    const file =
      process.env[OVERRIDE] ??
      (bindings as (options: object) => string)({
        bindings: 'kmod',
        // Said outright: bindings would guess it from a stack trace.
        module_root: join(__dirname, '..', '..'),
        path: true,
      })
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- a .node file has no import
    return { native: require(file) as Native, helper: join(dirname(file), 'kmod-helper') }
  } catch (cause) {
    throw new KmodError(
      'ERR_KMOD_LIBRARY',
      'The native addon of node-kmod cannot be loaded. If its install script was not run (npm may ' +
        'need to be told to allow it), run `npm rebuild node-kmod`; that needs python3, make and a ' +
        `C++ compiler. ${cause instanceof Error ? cause.message.split('\n')[0] : String(cause)}`,
      { cause },
    )
  }
}
