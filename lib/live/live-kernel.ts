/** The kernel of the running system. */
import { release } from 'node:os'
import { resolve } from 'node:path'
import { KmodError } from '../contract/errors'
import { parameterString } from '../contract/parameters'
import type { KmodOptions, LoadedModule } from '../contract/types'
import { hostClock } from '../kernel/clock'
import { readCapability, readKernel, readTaints } from '../kernel/facts'
import { isFailure, unwrap, type NativeFailure } from '../kernel/failure'
import { LOAD_LISTS, type IndexSource } from '../kernel/index-source'
import type {
  Change,
  Clock,
  CommandRun,
  InsertRequest,
  Kernel,
  KernelFacts,
  KernelLog,
  ReferenceTrace,
  SysModule,
} from '../kernel/kernel'
import { readParameters, readSourceVersion } from '../kernel/module-attributes'
import { readModuleNames, type ModuleIndex } from '../kernel/module-index'
import type { Snapshot } from '../kernel/snapshot'
import { parseTable } from '../kernel/table'
import { buildSnapshot } from '../snapshot/build'
import { HelperChange } from './helper/changes'
import { HelperCommand } from './helper/commands'
import { onKernelChange } from './helper/events'
import { sourceStrings } from './helper/queries'
import { readSurvey } from './helper/survey'
import { HelperTrace } from './helper/trace'
import { host } from './host'
import { load } from './native'

const TABLE = '/proc/modules'
const SYS_MODULES = '/sys/module'

/** There is one running system, whatever indexes and configurations its kernel objects use. */
const RUNNING_SYSTEM = {}

export class LiveKernel implements Kernel {
  readonly system = RUNNING_SYSTEM
  readonly readOnly = false
  readonly clock: Clock = hostClock
  readonly index: ModuleIndex
  readonly #release: string
  readonly #source: IndexSource

  /** `tableFile`: a benchmark gives a table of any length. */
  constructor(
    options: KmodOptions,
    private readonly tableFile = TABLE,
  ) {
    this.#release = options.kernelRelease ?? release()
    this.#source = {
      directory: resolve(options.moduleDirectory ?? `/lib/modules/${this.#release}`),
      config: options.configPaths?.map((path) => resolve(path)) ?? null,
      loadLists: LOAD_LISTS,
      kernelCommandLine: true,
    }
    this.index = host.openIndex(() => Promise.resolve(this.#source))
  }

  async table(): Promise<LoadedModule[]> {
    return parseTable(checkTable(await host.readTable(this.tableFile)))
  }

  async row(name: string): Promise<LoadedModule | undefined> {
    return parseTable(checkTable(await load().native.readTableRow(this.tableFile, name)))[0]
  }

  moduleNames(): Promise<string[]> {
    return readModuleNames(host.files, this.#source.directory)
  }

  async sysModules(names: readonly string[]): Promise<SysModule[]> {
    return unwrap(await load().native.readSysModules(SYS_MODULES, names), `read ${SYS_MODULES}`)
  }

  async snapshot({ users }: { users: boolean }): Promise<Snapshot> {
    return buildSnapshot(await readSurvey(users), host.files, this.index)
  }

  parameters(name: string): Promise<Map<string, string>> {
    return readParameters(host.files, name)
  }

  sourceVersion(name: string): Promise<string | null> {
    return readSourceVersion(host.files, name)
  }

  async facts(): Promise<KernelFacts> {
    const [kernel, capability, library] = await Promise.all([
      readKernel(host.files, this.#release, this.#source.directory),
      readCapability(host.files),
      host.findLibrary(),
    ])
    return { kernel, capability, ...library }
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
    return new HelperChange(['remove', name, force ? '1' : '0'])
  }

  insert({ what, module, mustBeNew, parameters }: InsertRequest): Change {
    const isFile = typeof what !== 'string'
    return new HelperChange([
      'insert',
      ...sourceStrings(this.#source),
      isFile ? what.file : what,
      isFile ? '1' : '0',
      module,
      mustBeNew ? '1' : '0',
      parameterString(parameters),
    ])
  }

  runCommand(module: string, command: string): CommandRun {
    return new HelperCommand(module, command)
  }

  trace(name: string): ReferenceTrace {
    return new HelperTrace(name)
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
