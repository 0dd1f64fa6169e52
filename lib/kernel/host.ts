/** What lib/captured needs of the machine on which a captured system is inspected. */
import type { NativeFailure } from './failure'
import type { KernelFacts } from './kernel'
import type { IndexSource } from './index-source'
import type { ModuleIndex } from './module-index'
import type { SystemFiles } from './system-files'

/** Implemented in lib/live; open-kernel.ts passes it to lib/captured, which may not import lib/live. */
export interface Host {
  /** The files of this machine. The captured files are among them. */
  readonly files: SystemFiles
  /** The text of a file in the form of /proc/modules, for parseTable(). */
  readTable(path: string): Promise<string | NativeFailure>
  /** An index over other folders. `locate` is called before each question, and names the folders. */
  openIndex(locate: () => Promise<IndexSource>): ModuleIndex
  findLibrary(): Promise<LibraryFacts>
}

/** Which libkmod is in use, or why none can be. */
export type LibraryFacts = Pick<KernelFacts, 'libkmod' | 'libraryProblem'>
