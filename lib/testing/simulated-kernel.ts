/** A kernel in memory, whose modules behave as a test wants. */
import type { KmodErrorDetails } from '../contract/errors'
import type {
  Change,
  ChangeEnd,
  CommandRun,
  EventSource,
  FolderProcess,
  InsertRequest,
  Kernel,
  KernelFacts,
  KernelLog,
  LogRecord,
  ReferenceTrace,
  SysModule,
  UseCount,
} from '../kernel/kernel'
import type { ModuleAttributes } from '../kernel/module-attributes'
import type { ModuleIndex, RemovalPolicy } from '../kernel/module-index'
import type { Snapshot } from '../kernel/snapshot'
import { insertModule, refused, removeModule } from './simulated-changes'
import { SimulatedClock } from './simulated-clock'
import { SimulatedEvents, SimulatedTrace } from './simulated-events'
import { SimulatedIndex, type Behaviour, type IndexedModule } from './simulated-index'
import { emptySnapshot } from '../snapshot/build'
import type { LoadedModule, ModuleEvent, User } from '../contract/types'

/** A module in the simulated kernel. */
export interface KernelModule extends Behaviour {
  name: string
  /** Modules that it uses: it is a holder of each. */
  uses: string[]
  /** References that are not held by modules. */
  references: number
  /** References on modules that it uses, besides the one of each link; its removal drops them. */
  takes: Record<string, number>
  state: LoadedModule['state']
  parameters: Record<string, string>
  sourceVersion: string | null
  identity: number
}

export class SimulatedKernel implements Kernel {
  readonly system = {}
  readOnly = false
  readonly timeout = 10_000
  readonly modules = new Map<string, KernelModule>()
  readonly indexed = new Map<string, IndexedModule>()
  /** Module files that are not installed, by path. */
  readonly files = new Map<string, IndexedModule>()
  /** Built-in modules with a folder in /sys/module. */
  readonly sysBuiltins = new Set<string>()
  /** The `alias` lines of modprobe.d. They take precedence over the index, as in libkmod. */
  readonly configAliases = new Map<string, string[]>()
  hasTable = true
  hasIndex = true
  tainted = 0n
  /** What is logged; a string is a record of the kernel. */
  logLines: (string | LogRecord)[] | null = []
  logLost = false
  /** The modules of all calls of `remove`, in order. */
  readonly removals: string[] = []
  readonly policies = new Map<string, Partial<RemovalPolicy>>()
  snapshotNow: Snapshot = emptySnapshot()
  /** What the remove commands of modprobe.d do, by module. */
  readonly commands = new Map<string, () => { exitCode: number; output: string }>()
  /**
   * Called before the kernel checks a module that it is to remove, so that a test can change the module.
   */
  beforeRemoval: ((name: string) => void) | undefined
  /** The same for a module that it is to insert. */
  beforeInsertion: ((name: string) => void) | undefined
  /** The argv that sets up each loop device. */
  readonly loopSetups = new Map<string, string[]>()
  /** Processes with files that are no devices. */
  processes: FolderProcess[] = []
  /** What programs do, by the first words of their argv. */
  readonly programs = new Map<string, (argv: readonly string[]) => number>()
  /** The argv of all programs that ran, as text. */
  readonly ran: string[] = []
  /** How often each module was used; null: the kernel does not count. */
  uses: Map<string, number> | null = new Map()
  readonly watches = new Set<SimulatedEvents<ModuleEvent>>()
  /** What `watchModules` throws, if anything. */
  watchProblem: Error | undefined
  #sequence = 0
  /** All traces, in the order in which they began. */
  readonly traces: SimulatedTrace[] = []
  /** What `trace` throws, if anything. */
  traceProblem: Error | undefined
  readonly #listeners = new Set<() => void>()
  factsNow: KernelFacts = {
    kernel: {
      release: '0.0.0-simulated',
      modules: true,
      unload: true,
      forceUnload: true,
      modulesDisabled: false,
      lockdown: null,
    },
    capability: true,
    libkmod: '/simulated/libkmod.so.2',
    libraryProblem: null,
    kernelBlacklist: [],
  }
  #nextIdentity = 1

  /** By default, time passes as fast as the test runs. */
  constructor(readonly clock = new SimulatedClock()) {}

  /** Adds a module at the head of the table, as the kernel does. */
  add(name: string, properties: Partial<KernelModule> = {}): this {
    this.modules.set(name, {
      name,
      uses: [],
      references: 0,
      takes: {},
      state: 'live',
      permanent: false,
      exitTime: 0,
      oops: false,
      fails: null,
      parameters: { ...this.indexed.get(name)?.parameters },
      sourceVersion: null,
      identity: this.#nextIdentity++,
      ...properties,
    })
    this.#tellWatches('load', name)
    this.#tellChange()
    return this
  }

  /** Calls a function after some milliseconds. */
  after(delay: number, what: () => void): this {
    void this.clock.sleep(delay).then(() => {
      what()
      this.#tellChange()
    })
    return this
  }

  addToIndex(...modules: IndexedModule[]): this {
    for (const module of modules) this.indexed.set(module.name, module)
    return this
  }

  holdersOf(name: string): string[] {
    return [...this.modules.values()]
      .filter((module) => module.uses.includes(name))
      .map((module) => module.name)
  }

  /** All references that are not links. */
  referencesOf(name: string): number {
    const taken = [...this.modules.values()].map(({ takes }) => takes[name] ?? 0)
    return taken.reduce((sum, count) => sum + count, this.modules.get(name)?.references ?? 0)
  }

  hearing(): this {
    return this
  }

  /** All calls of `close`. */
  closings = 0

  async close(): Promise<void> {
    this.closings++
    await Promise.all([...this.traces, ...this.watches].map((source) => source.close()))
  }

  readonly index: ModuleIndex = new SimulatedIndex(this)

  table(): Promise<LoadedModule[]> {
    if (!this.hasTable) return Promise.reject(unsupported())
    const rows = [...this.modules.values()].map((module): LoadedModule => {
      const holders = this.holdersOf(module.name)
      return {
        name: module.name,
        size: 4096,
        refCount:
          module.state === 'unloading' ? null : this.referencesOf(module.name) + holders.length,
        holders,
        state: module.state,
        permanent: module.permanent,
        taints: '',
      }
    })
    return Promise.resolve(rows.reverse())
  }

  async row(name: string): Promise<LoadedModule | undefined> {
    return (await this.table()).find((module) => module.name === name)
  }

  moduleNames(): Promise<string[]> {
    return Promise.resolve(this.hasIndex ? [...this.indexed.keys()] : [])
  }

  sysModules(names: readonly string[]): Promise<SysModule[]> {
    const states = { live: 'live', loading: 'coming', unloading: 'going' }
    return Promise.resolve(
      names.map((name) => {
        const module = this.modules.get(name)
        if (module !== undefined) {
          return { identity: String(module.identity), initstate: states[module.state] }
        }
        return { identity: this.sysBuiltins.has(name) ? 'builtin' : '', initstate: '' }
      }),
    )
  }

  snapshot(): Promise<Snapshot> {
    return Promise.resolve(this.snapshotNow)
  }

  processesBelow(folders: readonly string[]): Promise<FolderProcess[]> {
    const isBelow = (path: string): boolean => folders.some((one) => path.startsWith(`${one}/`))
    return Promise.resolve(this.processes.filter(({ path }) => isBelow(path)))
  }

  loopSetup(path: string): Promise<string[] | null> {
    return Promise.resolve(this.loopSetups.get(path) ?? null)
  }

  isRunning(pid: number): Promise<boolean> {
    const { openDevices, given } = this.snapshotNow
    const users = given.filter((user) => user.kind === 'process')
    const processes = [...this.processes, ...openDevices, ...users]
    return Promise.resolve(processes.some((one) => one.pid === pid))
  }

  attributes(name: string): Promise<ModuleAttributes> {
    const { parameters = {}, sourceVersion = null } = this.modules.get(name) ?? {}
    const visible = new Map(Object.entries(parameters))
    for (const hidden of this.indexed.get(name)?.hidden ?? []) visible.delete(hidden)
    return Promise.resolve({ version: null, srcVersion: sourceVersion, parameters: visible })
  }

  runCommand(module: string, command: string): CommandRun {
    const { exitCode, output } = this.commands.get(module)?.() ?? {
      exitCode: 127,
      output: `${command}: not found`,
    }
    return { ended: Promise.resolve({ exitCode, signal: null, output }), kill: () => undefined }
  }

  /** The exit status is 0 for a program that a test does not know. */
  runProgram(argv: readonly string[]): CommandRun {
    const text = argv.join(' ')
    this.ran.push(text)
    const [, act] = [...this.programs].find(([words]) => text.startsWith(words)) ?? []
    const exitCode = act?.(argv) ?? 0
    if (exitCode === 0) this.#release(text)
    this.#tellChange()
    const output = exitCode === 0 ? '' : `${argv[0]} failed`
    return { ended: Promise.resolve({ exitCode, signal: null, output }), kill: () => undefined }
  }

  /** A program that releases users, as their `release` says, drops their references. */
  #release(command: string): void {
    const { given } = this.snapshotNow
    const isReleased = (user: User): boolean => user.release.command?.join(' ') === command
    for (const { module, references } of given.filter(isReleased)) {
      const used = this.modules.get(module)
      if (used !== undefined) used.references -= references ?? 0
    }
    this.snapshotNow.given = given.filter((user) => !isReleased(user))
  }

  setParameter(name: string, parameter: string, value: string): Change {
    const module = this.modules.get(name)
    const isWritable = this.indexed.get(name)?.writable?.includes(parameter) ?? false
    if (module === undefined || !isWritable) {
      return this.#change(Promise.resolve(refused('EACCES', 13, 'open')))
    }
    module.parameters[parameter] = value
    return this.#change(Promise.resolve({ outcome: 'done' }))
  }

  watchModules(): EventSource<ModuleEvent> {
    if (this.watchProblem !== undefined) throw this.watchProblem
    const watch = new SimulatedEvents<ModuleEvent>()
    this.watches.add(watch)
    return watch
  }

  countUses(): UseCount {
    return {
      read: () =>
        Promise.resolve(this.uses === null ? null : { uses: new Map(this.uses), complete: true }),
      close: () => Promise.resolve(),
    }
  }

  trace(name: string): ReferenceTrace {
    if (this.traceProblem !== undefined) throw this.traceProblem
    const trace = new SimulatedTrace(name)
    this.traces.push(trace)
    return trace
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Another program removes the module. */
  drop(name: string): void {
    this.modules.delete(name)
    this.#tellWatches('unload', name)
    this.#tellChange()
  }

  /** The references of a module that are not held by modules become others. */
  setReferences(name: string, references: number): void {
    this.modules.get(name)!.references = references
    this.#tellChange()
  }

  #tellWatches(action: 'load' | 'unload', module: string): void {
    const event = { action, module, sequence: ++this.#sequence, at: new Date(0) }
    for (const watch of this.watches) watch.add(event)
  }

  #tellChange(): void {
    for (const listener of this.#listeners) listener()
  }

  facts(): Promise<KernelFacts> {
    return Promise.resolve(this.factsNow)
  }

  taints(): Promise<bigint> {
    return Promise.resolve(this.tainted)
  }

  openLog(): Promise<KernelLog | null> {
    if (this.logLines === null) return Promise.resolve(null)
    let from = this.logLines.length
    return Promise.resolve({
      read: () => {
        const records = this.logLines!.slice(from).map((line) =>
          typeof line === 'string' ? { text: line, fromKernel: true } : line,
        )
        from = this.logLines!.length
        return Promise.resolve({ records, lost: this.logLost })
      },
      close: () => undefined,
    })
  }

  remove(name: string, force: boolean): Change {
    this.removals.push(name)
    return this.#change(removeModule(this, name, force))
  }

  insert(request: InsertRequest): Change {
    const attempts: Change['attempts'][number][] = []
    return { ...this.#change(insertModule(this, request, attempts)), attempts }
  }

  #change(ended: Promise<ChangeEnd>): Change {
    return {
      ended,
      pid: 4242,
      attempts: [],
      stack: () => Promise.resolve('[<0>] simulated_exit+0x1/0x2\n'),
      kill: () => undefined,
      detach: () => undefined,
    }
  }
}

function unsupported(): Error & KmodErrorDetails {
  return Object.assign(new Error('no table'), { code: 'ERR_KMOD_UNSUPPORTED' })
}
