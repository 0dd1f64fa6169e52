/** The kernel of the running system. */
import { release } from 'node:os'
import { resolve } from 'node:path'
import { KmodError } from '../contract/errors'
import type { KmodOptions, LoadedModule, ModuleEvent } from '../contract/types'
import { hostClock } from '../kernel/clock'
import { EMPTY_COMMAND_LINE, readCommandLine, type CommandLine } from '../kernel/command-line'
import { readCapability, readKernel, readTaints } from '../kernel/facts'
import { isFailure, unwrap, type NativeFailure } from '../kernel/failure'
import { readFolderProcesses, readIsRunning } from '../kernel/folder-processes'
import { LOAD_LISTS, type IndexSource } from '../kernel/index-source'
import type {
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
import { HelperChange, insertRequest, removeRequest, setRequest } from './helper/changes'
import { commandRequest, HelperCommand, programRequest } from './helper/commands'
import { onKernelChange } from './helper/events'
import { readSurvey } from './helper/survey'
import { traceReferences } from './helper/trace'
import { HelperUseCount } from './helper/uses'
import { watchModules } from './helper/watch'
import { host } from './host'
import { load } from './native'

const TABLE = '/proc/modules'
const SYS_MODULES = '/sys/module'

/** All kernel objects of the running system share it, even if their indexes and configurations differ. */
const RUNNING_SYSTEM = {}

export class LiveKernel implements Kernel {
  readonly system = RUNNING_SYSTEM
  readonly readOnly = false
  readonly clock: Clock = hostClock
  readonly index: ModuleIndex
  readonly #release: string
  readonly #places: Omit<IndexSource, 'commandLine'>
  #commandLine: Promise<CommandLine> | undefined

  /** `tableFile`: for a benchmark, which gives a table of any length. */
  constructor(
    options: KmodOptions,
    private readonly tableFile = TABLE,
  ) {
    this.#release = options.kernelRelease ?? release()
    this.#places = {
      directory: resolve(options.moduleDirectory ?? `/lib/modules/${this.#release}`),
      config: options.configPaths?.map((path) => resolve(path)) ?? null,
      loadLists: LOAD_LISTS,
      kernelCommandLine: true,
    }
    this.index = host.openIndex(() => this.#locate())
  }

  async table(): Promise<LoadedModule[]> {
    return parseTable(checkTable(await host.readTable(this.tableFile)))
  }

  async row(name: string): Promise<LoadedModule | undefined> {
    return parseTable(checkTable(await load().native.readTableRow(this.tableFile, name)))[0]
  }

  moduleNames(): Promise<string[]> {
    return readModuleNames(host.files, this.#places.directory)
  }

  async sysModules(names: readonly string[]): Promise<SysModule[]> {
    return unwrap(await load().native.readSysModules(SYS_MODULES, names), `read ${SYS_MODULES}`)
  }

  async snapshot({ users }: { users: boolean }): Promise<Snapshot> {
    return buildSnapshot(await readSurvey(users), host.files, this.index)
  }

  processesBelow(folders: readonly string[]): Promise<FolderProcess[]> {
    return readFolderProcesses(host.files, folders)
  }

  isRunning(pid: number): Promise<boolean> {
    return readIsRunning(host.files, pid)
  }

  loopSetup(path: string): Promise<string[] | null> {
    return readLoopSetup(host.files, path)
  }

  attributes(name: string): Promise<ModuleAttributes> {
    return readAttributes(host.files, name)
  }

  async facts(): Promise<KernelFacts> {
    const [kernel, capability, library, { blacklist }] = await Promise.all([
      readKernel(host.files, this.#release, this.#places.directory),
      readCapability(host.files),
      host.findLibrary(),
      this.#readCommandLine(),
    ])
    return { kernel, capability, ...library, kernelBlacklist: blacklist }
  }

  taints(): Promise<bigint> {
    return readTaints(host.files)
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
    return new HelperChange(removeRequest(name, force))
  }

  insert(request: InsertRequest): Change {
    // An insertion does not use the names that modules-load= has, so the command line is not read.
    const source = { ...this.#places, commandLine: EMPTY_COMMAND_LINE }
    return new HelperChange(insertRequest(source, request))
  }

  async #locate(): Promise<IndexSource> {
    return { ...this.#places, commandLine: await this.#readCommandLine() }
  }

  /** Reads it only once, because it does not change until the next boot. */
  #readCommandLine(): Promise<CommandLine> {
    return (this.#commandLine ??= readCommandLine(host.files))
  }

  runCommand(module: string, command: string): CommandRun {
    const doing = `run the command of module ${module}`
    return new HelperCommand(commandRequest(module, command), doing)
  }

  runProgram(argv: readonly string[]): CommandRun {
    return new HelperCommand(programRequest(argv), `run \`${argv.join(' ')}\``)
  }

  setParameter(module: string, name: string, value: string): Change {
    return new HelperChange(setRequest(module, name, value))
  }

  trace(name: string): ReferenceTrace {
    return traceReferences(name)
  }

  watchModules(options?: SleepOptions): EventSource<ModuleEvent> {
    return watchModules(options)
  }

  countUses(): UseCount {
    return new HelperUseCount()
  }

  onChange(listener: () => void): () => void {
    return onKernelChange(listener)
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
