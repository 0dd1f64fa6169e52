/** The options and results of `reload` and `scope`. */
import type { KernelHealth, LoadOptions, LoadReport, ModuleParameters } from './change-types'
import type { UnloadOptions, UnloadReport } from './unload-types'

/** A module file that need not be installed. */
export interface ModuleFile {
  /** The path of the .ko file. */
  file: string
  /**
   * More .ko files. A module that `depends` of the file names is taken from the kernel if it is loaded,
   * else from these files, else from the module index.
   */
  files?: readonly string[] | undefined
}

/** Options of `reload`. The default of `dependencies` is `keep`. */
export interface ReloadOptions extends UnloadOptions {
  /**
   * Parameters for the targets, added after those of modprobe.d. `NAME.PARAMETER` is for one of several
   * targets. Default: none.
   */
  parameters?: ModuleParameters | undefined
  /**
   * Called when everything is unloaded and nothing is loaded again, for example to replace a file. The
   * call awaits the returned promise, until `signal` aborts. If it throws, the modules are restored.
   */
  between?: ((soFar: UnloadReport) => void | Promise<void>) | undefined
}

/** What `reload` did. */
export interface ReloadReport extends UnloadReport {
  /** The modules that this call loaded, dependencies included, in the order of loading. */
  loaded: string[]
}

/** What happened since the last `check()` of a scope. */
export interface ScopeCheck extends KernelHealth {
  /** Modules that are loaded, that were not loaded when the scope was opened, and that it did not load. */
  leftovers: string[]
}

/** Modules that are loaded for a limited time, such as that of one test. */
export interface ModuleScope extends AsyncDisposable {
  /** The modules that the scope has loaded, in the order of loading. */
  readonly loaded: readonly string[]
  /** Like `load`. The scope remembers what came in, also before a failure. */
  load(what: string | ModuleFile, options?: LoadOptions): Promise<LoadReport>
  /**
   * The health of the kernel since the last check (the first time: since the opening), and what was
   * loaded by others. Never rejects because of what it finds.
   */
  check(): Promise<ScopeCheck>
  /**
   * Unloads what the scope has loaded, the newest first. A dependency that something else uses stays and
   * is `kept`; a module that the scope was asked to load, and that cannot be unloaded, is the error. Later
   * calls return the same promise.
   */
  dispose(): Promise<UnloadReport>
}
