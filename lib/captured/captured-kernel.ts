/**
 * The kernel of another root: a captured system or an image. It is read-only: all answers come from
 * files below the root.
 */
import { stat } from 'node:fs/promises'
import { KmodError } from '../contract/errors'
import type { LoadedModule, ModuleEvent } from '../contract/types'
import { hostClock } from '../kernel/clock'
import { readCommandLine } from '../kernel/command-line'
import { readKernel, readTaints } from '../kernel/facts'
import { isFailure, unwrap } from '../kernel/failure'
import type { Host } from '../kernel/host'
import type {
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
import { CapturedIndex, type CapturedPlaces } from './captured-index'
import { capturedSurvey } from './captured-survey'
import type { RootView } from './root-view'

export class CapturedKernel implements Kernel {
  readonly system = {}
  readonly readOnly = true
  readonly clock = hostClock
  readonly index: ModuleIndex

  constructor(
    private readonly view: RootView,
    private readonly places: CapturedPlaces,
    private readonly host: Host,
  ) {
    this.index = new CapturedIndex(view, places, host)
  }

  async table(): Promise<LoadedModule[]> {
    const text = await this.host.readTable(await this.view.resolve('/proc/modules'))
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
    const [places, states] = await Promise.all([
      files.resolve(folders),
      files.readTexts(folders.map((folder) => `${folder}/initstate`)),
    ])
    return Promise.all(
      places.map(async (place, i) => {
        const status = place === null ? null : await stat(place).catch(() => null)
        return {
          identity: status?.isDirectory() ? String(status.ino) : '',
          initstate: states[i]?.trim() ?? '',
        }
      }),
    )
  }

  async snapshot({ users }: { users: boolean }): Promise<Snapshot> {
    const files = this.#files()
    return buildSnapshot(await capturedSurvey(files, users), files, this.index)
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

  /** A captured system has no open files of processes but those of devices. */
  processesBelow(): Promise<FolderProcess[]> {
    return Promise.resolve([])
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
      `This Kmod reads the captured system in ${this.view.root}, where no kernel runs: there is ` +
        `nothing to ${doing}. Use a Kmod without \`root\`.`,
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
    `This Kmod reads the captured system in ${root} and cannot change a kernel. Use a Kmod without ` +
      '`root` to change the running kernel.',
  )
}
