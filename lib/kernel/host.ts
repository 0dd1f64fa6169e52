/** What lib/captured needs of the machine on which a captured system is inspected. */
import type { NativeFailure } from './failure'
import type { KernelFacts } from './kernel'
import type { IndexSource } from './index-source'
import type { ModuleIndex } from './module-index'
import type { SystemFiles } from './system-files'

/**
 * Implemented in lib/live; open-kernel.ts passes it to lib/captured, which may not import lib/live. Each
 * question has a deadline, and rejects with ERR_KMOD_NO_ANSWER.
 */
export interface Host {
  /** Milliseconds that one question may take. */
  readonly timeout: number
  /** The files of this machine. The captured files are among them. */
  readonly files: SystemFiles
  /** The text of a file in the form of /proc/modules, for parseTable(). */
  readTable(path: string): Promise<string | NativeFailure>
  /** An index over other folders. `locate` is called before each question, and names the folders. */
  openIndex(locate: () => Promise<IndexSource>): ModuleIndex
  findLibrary(): Promise<LibraryFacts>
  /** The same host; its questions reject with ERR_KMOD_ABORTED when the signal aborts. */
  hearing(signal: AbortSignal | undefined): Host
  /** As Kernel.close(). */
  close(limit: number): Promise<void>
}

/** Which libkmod is in use, or why none can be. */
export type LibraryFacts = Pick<KernelFacts, 'libkmod' | 'libraryProblem'>
