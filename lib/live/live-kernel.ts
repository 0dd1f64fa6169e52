/** The kernel of the running system. */
import { release } from 'node:os'
import { resolve } from 'node:path'
import { isKmodError, KmodError } from '../contract/errors'
import type { KmodOptions, LoadedModule, ModuleEvent } from '../contract/types'
import { hostClock } from '../kernel/clock'
import { EMPTY_COMMAND_LINE, readCommandLine, type CommandLine } from '../kernel/command-line'
import { readCapability, readKernel, readTaints } from '../kernel/facts'
import { isFailure, unwrap, type NativeFailure } from '../kernel/failure'
import { readFolderProcesses, readIsRunning } from '../kernel/folder-processes'
import { LOAD_LISTS, type IndexSource } from '../kernel/index-source'
import type {
  CaptureSource,
  Change,
  Clock,
  CommandRun,
  EventSource,
  FolderProcess,
  InsertRequest,
  Kernel,
  KernelFacts,
  KernelLog,
  ReferenceTrace,
  SleepOptions,
  SysModule,
  UseCount,
} from '../kernel/kernel'
import { readLoopSetup } from '../kernel/loop-setup'
import { readAttributes, type ModuleAttributes } from '../kernel/module-attributes'
import { readModuleNames, type ModuleIndex } from '../kernel/module-index'
import type { Snapshot } from '../kernel/snapshot'
import { parseTable } from '../kernel/table'
import { buildSnapshot } from '../snapshot/build'
import { emptySurvey } from '../snapshot/system/raw-survey'
import { HelperChange, insertRequest, removeRequest, setRequest } from './helper/changes'
import { commandRequest, HelperCommand, programRequest } from './helper/commands'
import { Helpers } from './helper/helpers'
import { readSurvey } from './helper/survey'
import { LiveHost } from './host'
import { load } from './native'

const TABLE = '/proc/modules'
const SYS_MODULES = '/sys/module'

/** All kernel objects of the running system share it, even if their indexes and configurations differ. */
const RUNNING_SYSTEM = {}

/** What the kernel objects of one Kmod share, whatever signal they hear. */
interface Shared {
  readonly helpers: Helpers
  readonly release: string
  readonly places: Omit<IndexSource, 'commandLine'>
  /** Read only once, because it does not change until the next boot. */
  commandLine: CommandLine | undefined
}

export class LiveKernel implements Kernel {
  readonly system = RUNNING_SYSTEM
  readonly readOnly = false
  readonly clock: Clock = hostClock
  readonly index: ModuleIndex
  readonly #host: LiveHost

  private constructor(
    private readonly shared: Shared,
    private readonly tableFile: string,
    private readonly signal?: AbortSignal,
  ) {
    this.#host = new LiveHost(shared.helpers, signal)
    this.index = this.#host.openIndex(() => this.#locate())
  }

  /** `tableFile`: for a benchmark, which gives a table of any length. */
  static open(options: KmodOptions, timeout: number, tableFile = TABLE): LiveKernel {
    const { kernelRelease = release(), configPaths } = options
    const places = {
      directory: resolve(options.moduleDirectory ?? `/lib/modules/${kernelRelease}`),
      config: configPaths?.map((path) => resolve(path)) ?? null,
      loadLists: LOAD_LISTS,
      kernelCommandLine: true,
    }
    const helpers = new Helpers(timeout)
    const shared = { helpers, release: kernelRelease, places, commandLine: undefined }
    return new LiveKernel(shared, tableFile)
  }

  get timeout(): number {
    return this.shared.helpers.timeout
  }

  hearing(signal: AbortSignal | undefined): LiveKernel {
    return new LiveKernel(this.shared, this.tableFile, signal)
  }

  close(limit: number): Promise<void> {
    return this.shared.helpers.close(limit)
  }

  async table(): Promise<LoadedModule[]> {
    const table = await load().native.readTable(this.tableFile)
    return parseTable(checkTable(isFailure(table) ? table : table.text))
  }

  async row(name: string): Promise<LoadedModule | undefined> {
    return parseTable(checkTable(await load().native.readTableRow(this.tableFile, name)))[0]
  }

  moduleNames(): Promise<string[]> {
    return readModuleNames(this.#host.files, this.shared.places.directory)
  }

  async sysModules(names: readonly string[]): Promise<SysModule[]> {
    return unwrap(await load().native.readSysModules(SYS_MODULES, names), `read ${SYS_MODULES}`)
  }

  /** What does not answer is missing, and `unanswered` names it. */
  async snapshot({ users }: { users: boolean }): Promise<Snapshot> {
    const errors: KmodError[] = []
    const files = this.#host.filesWithout((error) => errors.push(error))
    const survey = readSurvey(this.shared.helpers.survey, users, this.signal).catch(
      (error: unknown) => {
        if (!isKmodError(error, 'ERR_KMOD_NO_ANSWER')) throw error
        errors.push(error)
        return emptySurvey(users)
      },
    )
    const snapshot = await buildSnapshot(survey, files, this.index)
    return {
      ...snapshot,
      unreadable: [...snapshot.unreadable, ...errors.map(({ message }) => message)],
      unanswered: errors.map(({ question, message }) => ({ question: question!, message })),
    }
  }

  processesBelow(folders: readonly string[]): Promise<FolderProcess[]> {
    return readFolderProcesses(this.#host.files, folders)
  }

  isRunning(pid: number): Promise<boolean> {
    return readIsRunning(this.#host.files, pid)
  }

  loopSetup(path: string): Promise<string[] | null> {
    return readLoopSetup(this.#host.files, path)
  }

  get captureSource(): CaptureSource {
    const { release, places } = this.shared
    const unreadable: string[] = []
    const files = this.#host.filesWithout(({ message }) => unreadable.push(message))
    return {
      root: '/',
      places: { release, moduleDirectory: places.directory, configPaths: places.config },
      host: this.#host,
      files,
      unreadable,
      readSurvey: (users) => readSurvey(this.shared.helpers.survey, users, this.signal),
      processesBelow: (folders) => readFolderProcesses(files, folders),
    }
  }

  attributes(name: string): Promise<ModuleAttributes> {
    return readAttributes(this.#host.files, name)
  }

  async facts(): Promise<KernelFacts> {
    const { places, release } = this.shared
    const [kernel, capability, library, { blacklist }] = await Promise.all([
      readKernel(this.#host.files, release, places.directory),
      readCapability(this.#host.files),
      this.#host.findLibrary(),
      this.#readCommandLine(),
    ])
    return { kernel, capability, ...library, kernelBlacklist: blacklist }
  }

  taints(): Promise<bigint> {
    return readTaints(this.#host.files)
  }

  async openLog(): Promise<KernelLog | null> {
    const { native } = load()
    const log = await native.openLog('/dev/kmsg')
    if (isFailure(log)) return null
    return {
      read: async () => unwrap(await native.readLog(log), 'read the kernel log'),
      close: () => native.closeLog(log),
    }
  }

  remove(name: string, force: boolean): Change {
    return this.change(removeRequest(name, force))
  }

  insert(request: InsertRequest): Change {
    // An insertion does not use the names that modules-load= has, so the command line is not read.
    const source = { ...this.shared.places, commandLine: EMPTY_COMMAND_LINE }
    return this.change(insertRequest(source, request))
  }

  /** A change by its request to the helper (native/helper/change_messages.cc). */
  change(request: string[]): Change {
    const { changes: client, timeout } = this.shared.helpers
    const files = this.#host.filesWithout(() => undefined)
    return new HelperChange({ client, files, timeout }, request)
  }

  async #locate(): Promise<IndexSource> {
    return { ...this.shared.places, commandLine: await this.#readCommandLine() }
  }

  async #readCommandLine(): Promise<CommandLine> {
    return (this.shared.commandLine ??= await readCommandLine(this.#host.files))
  }

  runCommand(module: string, command: string): CommandRun {
    const doing = `run the command of module ${module}`
    return new HelperCommand(this.shared.helpers.changes, commandRequest(module, command), doing)
  }

  runProgram(argv: readonly string[]): CommandRun {
    const doing = `run \`${argv.join(' ')}\``
    return new HelperCommand(this.shared.helpers.changes, programRequest(argv), doing)
  }

  setParameter(module: string, name: string, value: string): Change {
    return this.change(setRequest(module, name, value))
  }

  trace(name: string): ReferenceTrace {
    return this.shared.helpers.trace(name)
  }

  watchModules(options?: SleepOptions): EventSource<ModuleEvent> {
    return this.shared.helpers.watchModules(options)
  }

  countUses(): UseCount {
    return this.shared.helpers.countUses()
  }

  onChange(listener: () => void): () => void {
    return this.shared.helpers.events.onChange(listener)
  }
}

function checkTable(table: string | NativeFailure): string {
  if (isFailure(table) && table.errnoName === 'ENOENT') {
    throw new KmodError(
      'ERR_KMOD_UNSUPPORTED',
      `There is no ${TABLE}: this kernel was built without loadable modules, or /proc is not mounted.`,
    )
  }
  return unwrap(table, 'read the table of loaded modules')
}
