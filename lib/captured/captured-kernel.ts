/**
 * The kernel of another root: a captured system or an image. It is read-only: all answers come from
 * files below the root.
 */
import { isKmodError, KmodError } from '../contract/errors'
import type { LoadedModule, ModuleEvent } from '../contract/types'
import { hostClock } from '../kernel/clock'
import { readCommandLine } from '../kernel/command-line'
import { readKernel, readTaints } from '../kernel/facts'
import { isFailure, unwrap } from '../kernel/failure'
import { isBelow } from '../kernel/folder-processes'
import type { Host } from '../kernel/host'
import type {
  CaptureSource,
  Change,
  CommandRun,
  EventSource,
  FolderProcess,
  Kernel,
  KernelFacts,
  ReferenceTrace,
  SysModule,
  UseCount,
} from '../kernel/kernel'
import { readLoopSetup } from '../kernel/loop-setup'
import { readAttributes, type ModuleAttributes } from '../kernel/module-attributes'
import { readModuleNames, type ModuleIndex } from '../kernel/module-index'
import type { Snapshot } from '../kernel/snapshot'
import { parseTable } from '../kernel/table'
import { buildSnapshot } from '../snapshot/build'
import { capturedFiles, type CapturedFiles } from './captured-files'
import { CapturedIndex, Mirror, type CapturedPlaces } from './captured-index'
import { capturedSurvey } from './captured-survey'
import { tooManyLinks, type RootView } from './root-view'
import { storedProcesses, SURVEY_FILE } from './survey-file'

export class CapturedKernel implements Kernel {
  readonly readOnly = true
  readonly clock = hostClock
  readonly index: ModuleIndex

  constructor(
    private readonly view: RootView,
    private readonly places: CapturedPlaces,
    private readonly host: Host,
    private readonly mirror = new Mirror(),
    /** For a capture, whose survey does not come from the files that it copies. */
    private readonly readSurvey = capturedSurvey,
  ) {
    this.index = new CapturedIndex(view, places, host, mirror)
  }

  /** The kernels of one Kmod share it. */
  get system(): object {
    return this.mirror
  }

  get timeout(): number {
    return this.host.timeout
  }

  hearing(signal: AbortSignal | undefined): CapturedKernel {
    const { view, places, mirror, readSurvey } = this
    return new CapturedKernel(view, places, this.host.hearing(signal), mirror, readSurvey)
  }

  async close(limit: number): Promise<void> {
    await this.host.close(limit)
    await this.mirror.delete()
  }

  async table(): Promise<LoadedModule[]> {
    const [place] = await this.#files().resolve(['/proc/modules'])
    if (place == null) throw tooManyLinks(this.view.show('/proc/modules'))
    const text = await this.host.readTable(place)
    if (isFailure(text) && ['ENOENT', 'ENOTDIR'].includes(text.errnoName)) {
      throw new KmodError(
        'ERR_KMOD_UNSUPPORTED',
        `There is no ${this.view.show('/proc/modules')}: the captured system had no loadable ` +
          'modules, or its /proc/modules was not captured.',
      )
    }
    if (isFailure(text) && text.failure === 'transient') {
      // Another reading could succeed for the running kernel, but a captured file does not change.
      throw new KmodError(
        'ERR_KMOD_FORMAT',
        `${this.view.show('/proc/modules')} lists a module twice: no kernel has such a table. It was ` +
          'captured while modules were loaded or unloaded, or it is damaged. Capture it again.',
      )
    }
    return parseTable(unwrap(text, 'read the captured table of loaded modules'))
  }

  async row(name: string): Promise<LoadedModule | undefined> {
    return (await this.table()).find((module) => module.name === name)
  }

  moduleNames(): Promise<string[]> {
    return readModuleNames(this.#files(), this.places.moduleDirectory)
  }

  async sysModules(names: readonly string[]): Promise<SysModule[]> {
    const files = this.#files()
    const folders = names.map((name) => `/sys/module/${name}`)
    const [statuses, states] = await Promise.all([
      files.readStatuses(folders),
      files.readTexts(folders.map((folder) => `${folder}/initstate`)),
    ])
    return statuses.map((status, i) => ({
      identity: status?.kind === 'folder' ? status.inode : '',
      initstate: states[i]?.trim() ?? '',
    }))
  }

  snapshot({ users }: { users: boolean }): Promise<Snapshot> {
    const files = this.#files()
    return this.#reading(files, () =>
      buildSnapshot(this.readSurvey(files, users), files, this.index),
    )
  }

  /** Reads what capture() stored. */
  async #reading<T>(files: CapturedFiles, read: () => Promise<T>): Promise<T> {
    try {
      return await read()
    } catch (cause) {
      const isOwn = isKmodError(cause) || (await files.readTexts([SURVEY_FILE]))[0] == null
      if (isOwn) throw cause
      // Its rows are not checked one by one: a reader fails at a row that is damaged.
      throw new KmodError(
        'ERR_KMOD_FORMAT',
        `${this.view.show(SURVEY_FILE)} is damaged: capture() does not write such a file. Capture the ` +
          'system again.',
        { cause },
      )
    }
  }

  get captureSource(): CaptureSource {
    return {
      root: this.view.root,
      places: this.places,
      host: this.host,
      files: this.host.files,
      unreadable: [],
      readSurvey: (users) => this.readSurvey(this.#files(), users),
      processesBelow: (folders) => this.processesBelow(folders),
    }
  }

  attributes(name: string): Promise<ModuleAttributes> {
    return readAttributes(this.#files(), name)
  }

  async facts(): Promise<KernelFacts> {
    const [kernel, library, { blacklist }] = await Promise.all([
      readKernel(this.#files(), this.places.release, this.places.moduleDirectory),
      this.host.findLibrary(),
      readCommandLine(this.#files()),
    ])
    return { kernel, capability: false, ...library, kernelBlacklist: blacklist }
  }

  /** Of a copy that something else than capture() made, none are known. */
  processesBelow(folders: readonly string[]): Promise<FolderProcess[]> {
    const files = this.#files()
    return this.#reading(files, async () => {
      const processes = await storedProcesses(files)
      return processes.filter(({ path }) => folders.some((folder) => isBelow(path, folder)))
    })
  }

  loopSetup(path: string): Promise<string[] | null> {
    return readLoopSetup(this.#files(), path)
  }

  isRunning(): Promise<boolean> {
    throw readOnlyError(this.view.root)
  }

  taints(): Promise<bigint> {
    return readTaints(this.#files())
  }

  openLog(): Promise<null> {
    return Promise.resolve(null)
  }

  remove(): Change {
    throw readOnlyError(this.view.root)
  }

  insert(): Change {
    throw readOnlyError(this.view.root)
  }

  runCommand(): CommandRun {
    throw readOnlyError(this.view.root)
  }

  runProgram(): CommandRun {
    throw readOnlyError(this.view.root)
  }

  setParameter(): Change {
    throw readOnlyError(this.view.root)
  }

  trace(): ReferenceTrace {
    throw this.#noKernelError('trace')
  }

  watchModules(): EventSource<ModuleEvent> {
    throw this.#noKernelError('watch')
  }

  countUses(): UseCount {
    throw this.#noKernelError('count')
  }

  #noKernelError(doing: string): KmodError {
    return new KmodError(
      'ERR_KMOD_UNSUPPORTED',
      `The system in ${this.view.root} is captured, and no kernel runs there: there is nothing to ${doing}. ` +
        'Omit `root`.',
    )
  }

  /** A captured system has no events. */
  onChange(): () => void {
    return () => undefined
  }

  /** New for each call, so that files that changed in between are read again. */
  #files(): CapturedFiles {
    return capturedFiles(this.view, this.host.files)
  }
}

function readOnlyError(root: string): KmodError {
  return new KmodError(
    'ERR_KMOD_READ_ONLY',
    `The system in ${root} is captured and can only be inspected. Omit \`root\` to change the running kernel.`,
  )
}
