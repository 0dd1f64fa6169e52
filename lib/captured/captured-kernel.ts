/** Another root: a captured system or an image. Files only, and read only. */
import { readlink, stat } from 'node:fs/promises'
import { CapturedIndex, type CapturedPlaces } from './captured-index'
import { hostClock } from '../kernel/clock'
import { KmodError } from '../contract/errors'
import { readKernel, type FactFiles } from '../kernel/facts'
import { isFailure, unwrap } from '../kernel/failure'
import { findLibrary } from '../live/helper/queries'
import type {
  Change,
  CommandRun,
  Kernel,
  KernelFacts,
  ReferenceTrace,
  SysModule,
} from '../kernel/kernel'
import type { ModuleIndex } from '../kernel/module-index'
import type { Snapshot } from '../kernel/snapshot'
import { readParameters, readSourceVersion } from '../kernel/module-attributes'
import { load } from '../live/native'
import type { RootView } from './root-view'
import { buildSnapshot } from '../snapshot/build'
import { capturedFiles } from './captured-files'
import { capturedSurvey } from './captured-survey'
import { parseTable } from '../kernel/table'
import type { LoadedModule } from '../contract/types'

export class CapturedKernel implements Kernel {
  readonly system = {}
  readonly readOnly = true
  readonly clock = hostClock
  readonly index: ModuleIndex

  constructor(
    private readonly view: RootView,
    private readonly places: CapturedPlaces,
  ) {
    this.index = new CapturedIndex(view, places)
  }

  async table(): Promise<LoadedModule[]> {
    const path = await this.view.resolve('/proc/modules')
    const table = await load().native.readTable(path)
    if (isFailure(table) && ['ENOENT', 'ENOTDIR'].includes(table.errnoName)) {
      throw new KmodError(
        'ERR_KMOD_UNSUPPORTED',
        `There is no ${this.view.show('/proc/modules')}: the captured system had no loadable ` +
          'modules, or its /proc/modules was not captured.',
      )
    }
    return parseTable(unwrap(table, 'read the captured table of loaded modules').text)
  }

  async row(name: string): Promise<LoadedModule | undefined> {
    return (await this.table()).find((module) => module.name === name)
  }

  sysModules(names: readonly string[]): Promise<SysModule[]> {
    return Promise.all(
      names.map(async (name) => {
        const folder = `/sys/module/${name}`
        const [status, initstate] = await Promise.all([
          stat(await this.view.resolve(folder)).catch(() => null),
          this.view.read(`${folder}/initstate`),
        ])
        return {
          identity: status?.isDirectory() ? String(status.ino) : '',
          initstate: initstate?.trim() ?? '',
        }
      }),
    )
  }

  async snapshot({ users }: { users: boolean }): Promise<Snapshot> {
    const files = capturedFiles(this.view)
    return buildSnapshot(await capturedSurvey(files, users), files, this.index, { users })
  }

  parameters(name: string): Promise<Map<string, string>> {
    return readParameters(capturedFiles(this.view), name)
  }

  sourceVersion(name: string): Promise<string | null> {
    return readSourceVersion(capturedFiles(this.view), name)
  }

  async facts(): Promise<KernelFacts> {
    const files: FactFiles = {
      read: (path) => this.view.read(path),
      readBytes: (path) => this.view.readBytes(path),
      readLink: async (path) => readlink(await this.view.resolve(path)).catch(() => null),
    }
    const [kernel, library] = await Promise.all([
      readKernel(files, this.places.release, this.places.moduleDirectory),
      findLibrary(),
    ])
    return { kernel, capability: false, ...library }
  }

  async taints(): Promise<bigint> {
    return BigInt((await this.view.read('/proc/sys/kernel/tainted'))?.trim() ?? 0)
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

  trace(): ReferenceTrace {
    throw new KmodError(
      'ERR_KMOD_UNSUPPORTED',
      `This Kmod looks at ${this.view.root}, not at a kernel that runs: nothing happens there that ` +
        'could be traced. Use a Kmod without `root`.',
    )
  }

  /** Nobody tells when a captured file changes. */
  onChange(): () => void {
    return () => undefined
  }
}

function readOnlyError(root: string): KmodError {
  return new KmodError(
    'ERR_KMOD_READ_ONLY',
    `This Kmod looks at ${root}, not at the running system: it can only be inspected. Use a Kmod ` +
      'without `root` to change the running kernel.',
  )
}
