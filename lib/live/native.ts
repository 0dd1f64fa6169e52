/** Loads the addon, and declares the types of its functions. No other file requires a .node file. */
import { dirname, join } from 'node:path'
import bindings from 'bindings'
import { KmodError } from '../contract/errors'
import type { NativeFailure } from '../kernel/failure'
import type { LogRecord } from '../kernel/kernel'

declare const logHandle: unique symbol
export interface NativeLog {
  readonly [logHandle]: true
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
  readFiles(paths: readonly string[]): Promise<(string | NativeFailure)[]>
  /** The targets of symbolic links, exactly as the links hold them. */
  readLinks(paths: readonly string[]): Promise<(string | NativeFailure)[]>
  /** A socket with the events of modules from now on: a descriptor. */
  openModuleEvents(): number | NativeFailure
  /** Takes the descriptor over, and gives it to the helper. */
  spawnHelper(
    path: string,
    role: string,
    descriptor?: number,
  ): Promise<{ pid: number; socket: number } | NativeFailure>
  reapHelpers(): void
  openLog(path: string): Promise<NativeLog | NativeFailure>
  readLog(log: NativeLog): Promise<{ records: LogRecord[]; lost: boolean } | NativeFailure>
  closeLog(log: NativeLog): void
}

/** An environment variable with the path of the addon: for a build elsewhere, such as with sanitizers. */
const OVERRIDE = 'NODE_KMOD_BINDING'

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
  try {
    const file =
      process.env[OVERRIDE] ??
      (bindings as (options: object) => string)({
        bindings: 'kmod',
        // Without this option, bindings derives the path from a stack trace, which fails in a bundle.
        module_root: join(__dirname, '..', '..'),
        path: true,
      })
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- a .node file has no import
    return { native: require(file) as Native, helper: join(dirname(file), 'kmod-helper') }
  } catch (cause) {
    throw new KmodError(
      'ERR_KMOD_LIBRARY',
      'The native addon of node-kmod cannot be loaded. If its install script did not run (some ' +
        'versions of npm ask for permission first), run `npm rebuild node-kmod`, which needs ' +
        'python3, make and a C++ compiler. The cause: ' +
        (cause instanceof Error ? cause.message.split('\n')[0]! : String(cause)),
      { cause },
    )
  }
}
