/**
 * Everything that the rest of lib/ may ask of a kernel, or do to it. Three kernels implement it:
 * the running one (lib/live), a captured one (lib/captured) and, in the tests, a simulated one.
 * Code that has a Kernel never uses /proc, /sys or the addon directly.
 *
 * A method rejects with a KmodError when it cannot read what it has to read.
 */
import type { NativeFailure } from './failure'
import type { Host } from './host'
import type { ModuleAttributes } from './module-attributes'
import type { ModuleIndex } from './module-index'
import type { Snapshot } from './snapshot'
import type { SystemFiles } from './system-files'
import type { LoadedModule, ModuleEvent, Preflight, ReferenceEvent } from '../contract/types'

/** A module's folder in /sys/module. */
export interface SysModule {
  /**
   * The folder's inode. A module that was removed and loaded again has another one. `''`: there is
   * no folder.
   */
  identity: string
  /**
   * `live`, `coming`, `going`; `''` for a built-in, and for a moment while a module is being
   * removed.
   */
  initstate: string
}

/** How a change to the kernel ended. */
export type ChangeEnd =
  | { outcome: 'done' }
  | { outcome: 'refused'; failure: NativeFailure }
  /** The kernel killed the process that made the call: an oops in the module's code. */
  | { outcome: 'killed'; signal: number }
  /** The helper ended before it answered, so the result is unknown. */
  | { outcome: 'lost' }

/** A removal or insertion that is running, in a process of its own. */
export interface Change {
  /** Rejects only if the change could not be started. */
  readonly ended: Promise<ChangeEnd>
  /** The process that makes the system call; undefined until it runs. */
  readonly pid: number | undefined
  /**
   * The modules whose insertion has begun, in order; `command`: by an install command of
   * modprobe.d.
   */
  readonly attempts: readonly { module: string; command: boolean }[]
  /** The kernel stack of that process; `null`: not readable. */
  stack(): Promise<string | null>
  /**
   * Kills the process if it is in user space (a command). Nothing interrupts it inside the kernel.
   */
  kill(): void
  /** From now on this change does not keep the Node process alive. */
  detach(): void
}

/** A program or a `remove` command of modprobe.d that is running, in a process group of its own. */
export interface CommandRun {
  /** `exitCode` is null if a signal ended it. `output`: of both streams, at most 64 KiB. */
  readonly ended: Promise<{ exitCode: number | null; signal: string | null; output: string }>
  /** Kills the whole process group. */
  kill(): void
}

/** A process that uses a file below a folder. */
export interface FolderProcess {
  pid: number
  comm: string
  /** One of its files below the folder. */
  path: string
  /** It is this process, an ancestor or a child of it, or process 1. */
  isOwn: boolean
  /** The service of the system manager that it belongs to, if this process is not in it. */
  unit: string | null
  /** It is in the same service as this process. */
  isOfOwnUnit: boolean
}

export interface InsertRequest {
  /**
   * An alias, or the path of a .ko file. If it is the same text as `module`, it is the name of that
   * module, and an alias of modprobe.d with the same text is ignored.
   */
  what: string | { file: string }
  /** One of the modules that the alias stands for, or the name inside the file. */
  module: string
  mustBeNew: boolean
  /** Parameters of the module itself, not of its dependencies. The values are text. */
  parameters: Record<string, string>
}

/** A record of the kernel log. */
export interface LogRecord {
  text: string
  /**
   * Whether the kernel wrote the record. A process that may write to /dev/kmsg can log any text, but
   * cannot set the facility of the kernel.
   */
  fromKernel: boolean
}

export interface KernelLog {
  /** The records since the last call; `lost`: some could not be read: the kernel overwrote them, or there were too many. */
  read(): Promise<{ records: LogRecord[]; lost: boolean }>
  close(): void
}

/** Events of the kernel, from the moment on at which the source was made. */
export interface EventSource<Event> {
  /**
   * The next event, in the kernel's order; `null` once the source is closed. Rejects if the source
   * could not be opened, or has ended by itself. Only a pending call keeps the Node process alive.
   */
  next(): Promise<Event | null>
  /** Resolves when nothing of the source is left in the kernel. Never rejects. */
  close(): Promise<void>
}

/** The references to one module as they are taken and dropped. */
export type ReferenceTrace = EventSource<ReferenceEvent>

/** Counts, from the moment on at which it was made, how often references to modules are taken. */
export interface UseCount {
  /**
   * By module, since the count began. `complete: false`: there were more modules than the kernel counts.
   * `null`: the count begins only with this call, or this kernel cannot count (no tracefs), or this
   * process may not.
   */
  read(): Promise<{ uses: ReadonlyMap<string, number>; complete: boolean } | null>
  /** Resolves when nothing of it is left in the kernel. Never rejects. */
  close(): Promise<void>
}

export interface SleepOptions {
  /** Whether the timer keeps the Node process alive; default true. */
  ref?: boolean
}

export interface Clock {
  /** Milliseconds of a monotonic clock. */
  now(): number
  /** Resolves after `delay` milliseconds, or at once when the signal aborts. Never rejects. */
  sleep(delay: number, signal?: AbortSignal, options?: SleepOptions): Promise<void>
}

export interface KernelFacts extends Pick<Preflight, 'kernel' | 'capability' | 'libkmod'> {
  /** Why libkmod cannot be used; `null` if it can. */
  libraryProblem: string | null
  /** The modules that `module_blacklist=` on the kernel command line forbids to load. */
  kernelBlacklist: readonly string[]
}

/** A system whose files a capture copies: see lib/capture. */
export interface CaptureSource {
  /** The folder of this machine that is the root of the system. */
  root: string
  /** Where the module index and its configuration are, inside the root. */
  places: {
    release: string
    moduleDirectory: string
    /** `null`: the folders in which libkmod looks. */
    configPaths: readonly string[] | null
  }
  host: Host
  /** The files of `host`, for one capture. */
  files: SystemFiles
  /** What could not be read of `files` so far. */
  unreadable: readonly string[]
  /** What no file shows: a RawSurvey of lib/snapshot/system, which is plain JSON. */
  readSurvey: (users: boolean) => Promise<object>
  /** As {@link Kernel.processesBelow}. */
  processesBelow: (folders: readonly string[]) => Promise<FolderProcess[]>
}

export interface Kernel {
  /**
   * Identity of the system. All kernel objects of one running system share it, so that calls of one
   * process on the same system can wait for each other.
   */
  readonly system: object
  /** True for a captured system: it cannot be changed. */
  readonly readOnly: boolean
  readonly index: ModuleIndex
  readonly clock: Clock
  /**
   * Milliseconds that the system may take to answer one question. Then the method rejects with
   * ERR_KMOD_NO_ANSWER, or says in its answer what is missing.
   */
  readonly timeout: number
  /**
   * The same kernel for a call with this signal: its questions reject with ERR_KMOD_ABORTED when the
   * signal aborts. Changes are not affected.
   */
  hearing(signal: AbortSignal | undefined): Kernel
  /** The table of loaded modules, newest first, as it was at one moment. */
  table(): Promise<LoadedModule[]>
  /** The names of the modules that depmod has listed, built in or not; empty without such lists. */
  moduleNames(): Promise<string[]>
  /** One module's row of the table. */
  row(name: string): Promise<LoadedModule | undefined>
  sysModules(names: readonly string[]): Promise<SysModule[]>
  /** `users`: with {@link Users}, which requires a look at the open files of every process. */
  snapshot(options: { users: boolean }): Promise<Snapshot>
  /** The processes in this mount namespace that use files below one of the folders. */
  processesBelow(folders: readonly string[]): Promise<FolderProcess[]>
  isRunning(pid: number): Promise<boolean>
  /** The argv that sets a loop device up as it is now; `null`: it is none, or its file is gone. */
  loopSetup(path: string): Promise<string[] | null>
  /** The parameters and versions of a loaded module. */
  attributes(name: string): Promise<ModuleAttributes>
  facts(): Promise<KernelFacts>
  /** What one capture of this system is made from; absent: it has no files. */
  readonly captureSource?: CaptureSource
  /** The bits of /proc/sys/kernel/tainted. */
  taints(): Promise<bigint>
  /** The kernel log from now on; `null`: this process may not read it. */
  openLog(): Promise<KernelLog | null>
  remove(name: string, force: boolean): Change
  insert(request: InsertRequest): Change
  runCommand(module: string, command: string): CommandRun
  /** Runs a program without a shell, looked up in /usr/sbin:/usr/bin:/sbin:/bin. */
  runProgram(argv: readonly string[]): CommandRun
  /** Writes a parameter of a loaded module to /sys/module. */
  setParameter(module: string, name: string, value: string): Change
  /** Begins at once, whether the module is loaded or not. Throws if this kernel cannot be traced. */
  trace(name: string): ReferenceTrace
  /** The loads and unloads from this call on. Throws if they cannot be watched. */
  watchModules(options?: SleepOptions): EventSource<ModuleEvent>
  countUses(): UseCount
  /**
   * Calls the listener after a change that may end a wait: of a module, a mount or an interface.
   * Returns a function that removes the listener. A kernel that reports no changes never calls it.
   */
  onChange(listener: () => void): () => void
  /**
   * Ends all traces and helper programs of this kernel object, and deletes what it has stored. Resolves
   * within `limit` milliseconds, also if a change is stuck inside the kernel. Never rejects.
   */
  close(limit: number): Promise<void>
}
