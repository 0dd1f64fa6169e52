/**
 * All that the rest of lib/ may ask of a kernel, or do to it. Three kernels implement it: the
 * running one (live-kernel.ts), a captured one (captured-kernel.ts), and, in the tests, a simulated
 * one. Whoever is given a Kernel never touches /proc, /sys or the addon itself.
 *
 * The methods reject with a KmodError when what they are to read cannot be read.
 */
import type { NativeFailure } from './failure'
import type { ModuleIndex } from './module-index'
import type { Snapshot } from './snapshot'
import type { LoadedModule, Preflight, ReferenceEvent } from '../contract/types'

/** What /sys/module says about a module. */
export interface SysModule {
  /**
   * Identifies one stay in the kernel (the folder's inode): a module that went and came back has
   * another. `''`: there is no folder.
   */
  identity: string
  /** `live`, `coming`, `going`; `''` for a built-in (and for an instant while a module goes). */
  initstate: string
}

/** How a change to the kernel ended. */
export type ChangeEnd =
  | { outcome: 'done' }
  | { outcome: 'refused'; failure: NativeFailure }
  /** The kernel killed the process that made the call: an oops in the module's code. */
  | { outcome: 'killed'; signal: number }
  /** The helper is gone, and with it the news of how this ended. */
  | { outcome: 'lost' }

/** A removal or insertion that is under way, in a process of its own. */
export interface Change {
  /** Rejects only where no attempt could be made at all. */
  readonly ended: Promise<ChangeEnd>
  /** The process that is in the kernel, once it is. */
  readonly pid: number | undefined
  /** Modules whose insertion was begun, in order; `command`: by an install command. */
  readonly attempts: readonly { module: string; command: boolean }[]
  /** Where in the kernel that process is; `null`: not readable. */
  stack(): Promise<string | null>
  /** Ends the process if it is in user space (a command); what is inside the kernel stays there. */
  kill(): void
  /** From now on this change does not keep the Node process alive. */
  detach(): void
}

/** A `remove` command of modprobe.d that runs, in a process group of its own. */
export interface CommandRun {
  /** `exitCode` is null where a signal ended it. `output`: of both streams, at most 64 KiB. */
  readonly ended: Promise<{ exitCode: number | null; signal: string | null; output: string }>
  /** Ends the whole process group. */
  kill(): void
}

export interface InsertRequest {
  /** A name or alias, or the path of a .ko file. */
  what: string | { file: string }
  /** The one of the modules that an alias stands for, or the name inside the file. */
  module: string
  mustBeNew: boolean
  /** As text, for the module itself. */
  parameters: Record<string, string>
}

export interface KernelLog {
  /** What was logged since the last call; `lost`: records were overwritten before. */
  read(): Promise<{ messages: string[]; lost: boolean }>
  close(): void
}

/** References to one module, as they are taken and dropped. */
export interface ReferenceTrace {
  /**
   * The next event, in the kernel's order; `null` once it is closed. Rejects where the trace could
   * not be begun, or broke off. Only while one is waited for it keeps the Node process alive.
   */
  next(): Promise<ReferenceEvent | null>
  /** Resolves when nothing of the trace is left in the kernel. Never rejects. */
  close(): Promise<void>
}

export interface Clock {
  /** Milliseconds since some moment, never going back. */
  now(): number
  /** Resolves after `delay` milliseconds, or at once when the signal aborts. Never rejects. */
  sleep(delay: number, signal?: AbortSignal): Promise<void>
}

export interface KernelFacts extends Pick<Preflight, 'kernel' | 'capability' | 'libkmod'> {
  /** Why libkmod cannot be used, if it cannot. */
  libraryProblem: string | null
}

export interface Kernel {
  /** Another root than the running system: nothing can be changed. */
  readonly readOnly: boolean
  readonly index: ModuleIndex
  readonly clock: Clock
  /** The table of loaded modules, newest first, as one true picture. */
  table(): Promise<LoadedModule[]>
  /** One module's row of it. */
  row(name: string): Promise<LoadedModule | undefined>
  sysModules(names: readonly string[]): Promise<SysModule[]>
  /** `users`: with what only uses modules, which takes a look at every process. */
  snapshot(options: { users: boolean }): Promise<Snapshot>
  /** The parameters in /sys/module that can be read. */
  parameters(name: string): Promise<Map<string, string>>
  /** /sys/module/NAME/srcversion; `null`: it has none. */
  sourceVersion(name: string): Promise<string | null>
  facts(): Promise<KernelFacts>
  /** The bits of /proc/sys/kernel/tainted. */
  taints(): Promise<bigint>
  /** The log from now on; `null`: not readable by this process. */
  openLog(): Promise<KernelLog | null>
  remove(name: string, force: boolean): Change
  insert(request: InsertRequest): Change
  runCommand(module: string, command: string): CommandRun
  /** Begins at once, whether or not the module is loaded. Throws where this kernel has no such thing. */
  trace(name: string): ReferenceTrace
  /**
   * Tells that something changed which may end a wait: a module came or went, a mount, an interface.
   * Returns the end of it. Where the kernel cannot tell, nothing is ever told.
   */
  onChange(listener: () => void): () => void
}
