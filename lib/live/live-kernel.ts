/** The running system. */
import { readFile, readlink } from 'node:fs/promises'
import { release } from 'node:os'
import { resolve } from 'node:path'
import { hostClock } from '../kernel/clock'
import { KmodError } from '../contract/errors'
import { readCapability, readKernel, type FactFiles } from '../kernel/facts'
import { isFailure, unwrap, type NativeFailure } from '../kernel/failure'
import { HelperChange, insertRequest, removeRequest } from './helper/changes'
import { HelperCommand } from './helper/commands'
import { onKernelChange } from './helper/events'
import { findLibrary, LibkmodIndex, LOAD_LISTS, type IndexSource } from './helper/queries'
import { readSurvey } from './helper/survey'
import { HelperTrace } from './helper/trace'
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
import type { Snapshot } from '../kernel/snapshot'
import { readParameters, readSourceVersion } from '../kernel/module-attributes'
import { load } from './native'
import { buildSnapshot } from '../snapshot/build'
import { hostFiles } from './host-files'
import { parseTable } from '../kernel/table'
import type { KmodOptions, LoadedModule } from '../contract/types'

const TABLE = '/proc/modules'
const SYS_MODULES = '/sys/module'

export class LiveKernel implements Kernel {
  readonly readOnly = false
  readonly clock: Clock = hostClock
  readonly index: LibkmodIndex
  readonly #release: string
  readonly #source: IndexSource

  /** `tableFile` is for measuring: a table of any length. */
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
    this.index = new LibkmodIndex(() => Promise.resolve(this.#source))
  }

  async table(): Promise<LoadedModule[]> {
    return parseTable(checkTable(await load().native.readTable(this.tableFile)).text)
  }

  async row(name: string): Promise<LoadedModule | undefined> {
    return parseTable(checkTable(await load().native.readTableRow(this.tableFile, name)))[0]
  }

  async sysModules(names: readonly string[]): Promise<SysModule[]> {
    return unwrap(await load().native.readSysModules(SYS_MODULES, names), `read ${SYS_MODULES}`)
  }

  async snapshot({ users }: { users: boolean }): Promise<Snapshot> {
    return buildSnapshot(await readSurvey(users), hostFiles, this.index, { users })
  }

  parameters(name: string): Promise<Map<string, string>> {
    return readParameters(hostFiles, name)
  }

  sourceVersion(name: string): Promise<string | null> {
    return readSourceVersion(hostFiles, name)
  }

  async facts(): Promise<KernelFacts> {
    const [kernel, capability, library] = await Promise.all([
      readKernel(factFiles, this.#release, this.#source.directory),
      readCapability(factFiles),
      findLibrary(),
    ])
    return { kernel, capability, ...library }
  }

  async taints(): Promise<bigint> {
    const [text] = await hostFiles.readFiles(['/proc/sys/kernel/tainted'])
    return BigInt(text?.trim() ?? 0)
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
    return new HelperChange(insertRequest(this.#source, request))
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

function checkTable<T>(table: T | NativeFailure): T {
  if (isFailure(table) && table.errnoName === 'ENOENT') {
    throw new KmodError(
      'ERR_KMOD_UNSUPPORTED',
      `There is no ${TABLE}: this kernel was built without loadable modules, or /proc is not mounted.`,
    )
  }
  return unwrap(table, 'read the table of loaded modules')
}

const factFiles: FactFiles = {
  read: (path) => readFile(path, 'utf8').catch(() => null),
  readBytes: (path) => readFile(path).catch(() => null),
  readLink: (path) => readlink(path).catch(() => null),
}
