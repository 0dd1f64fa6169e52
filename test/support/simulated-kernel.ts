/**
 * A kernel in memory, whose modules behave as a test wants, and whose clock advances as fast as the
 * test runs. It refuses removals as delete_module(2) does, which checks in this order: holders,
 * state, no exit function, references.
 */
import type { KmodErrorDetails } from '../../lib/contract/errors'
import type {
  Change,
  ChangeEnd,
  Clock,
  CommandRun,
  InsertRequest,
  Kernel,
  KernelFacts,
  KernelLog,
  LogRecord,
  ReferenceTrace,
  SysModule,
} from '../../lib/kernel/kernel'
import type { ModuleAttributes } from '../../lib/kernel/module-attributes'
import type { Description, ModuleIndex, RemovalPolicy } from '../../lib/kernel/module-index'
import type { Snapshot } from '../../lib/kernel/snapshot'
import type { NativeFailure } from '../../lib/kernel/failure'
import { SimulatedTrace } from './simulated-trace'
import { snapshot } from './snapshots'
import type { LoadedModule } from '../../lib/contract/types'

export interface SimulatedModule {
  name: string
  /** Modules that it uses: it is a holder of each. */
  uses: string[]
  /** References that are not held by modules. */
  references: number
  /** References on modules that it uses, besides the one of each link; its removal drops them. */
  takes: Record<string, number>
  state: LoadedModule['state']
  permanent: boolean
  /** How many milliseconds the exit function takes; Infinity: it hangs. */
  exitTime: number
  /** The exit function causes an oops. */
  oops: boolean
  parameters: Record<string, string>
  sourceVersion: string | null
  identity: number
}

/** A module in the index. */
export interface IndexedModule {
  name: string
  uses?: string[]
  builtin?: boolean
  aliases?: string[]
  fields?: { key: string; value: string }[]
  /** The default values of its parameters. */
  parameters?: Record<string, string>
  /** The parameters that were declared with permission 0: they are not in /sys/module. */
  hidden?: string[]
  /** If set, the kernel refuses to load it: the name and the number of the error. */
  refuses?: [errnoName: string, errno: number]
  /** What the kernel logs when the module is being loaded. */
  logs?: string[]
  /** Its install command in modprobe.d, which ends with status 0. `loads`: it inserts the module. */
  installCommand?: { text: string; loads: boolean }
  /** It is named in a `blacklist` line of modprobe.d, which counts for aliases. */
  blacklisted?: boolean
  /** How many milliseconds its init function takes. */
  initTime?: number
}

interface Sleeper {
  at: number
  wake: () => void
}

export class SimulatedClock implements Clock {
  #now = 0
  #sleepers: Sleeper[] = []

  now(): number {
    return this.#now
  }

  sleep(delay: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const sleeper = { at: this.#now + delay, wake: resolve }
      this.#sleepers.push(sleeper)
      signal?.addEventListener('abort', () => {
        this.#sleepers = this.#sleepers.filter((one) => one !== sleeper)
        resolve()
      })
      this.#wakeNext()
    })
  }

  /** The clock advances to the next sleeper when everything else that can run has run. */
  #wakeNext(): void {
    setImmediate(() => {
      const next = this.#sleepers.reduce<Sleeper | undefined>(
        (earliest, one) => (earliest === undefined || one.at < earliest.at ? one : earliest),
        undefined,
      )
      if (next === undefined || next.at === Infinity) return
      this.#sleepers = this.#sleepers.filter((one) => one !== next)
      this.#now = Math.max(this.#now, next.at)
      next.wake()
    })
  }
}

export class SimulatedKernel implements Kernel {
  readonly system = {}
  readOnly = false
  readonly clock = new SimulatedClock()
  readonly timeout = 10_000
  readonly modules = new Map<string, SimulatedModule>()
  readonly indexed = new Map<string, IndexedModule>()
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
  snapshotNow: Snapshot = snapshot()
  /** What the remove commands of modprobe.d do, by module. */
  readonly commands = new Map<string, () => { exitCode: number; output: string }>()
  /**
   * Called before the kernel checks a module that it is to remove, so that a test can change the module.
   */
  beforeRemoval: ((name: string) => void) | undefined
  /** The same for a module that it is to insert. */
  beforeInsertion: ((name: string) => void) | undefined
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

  /** Adds a module at the head of the table, as the kernel does. */
  add(name: string, properties: Partial<SimulatedModule> = {}): this {
    this.modules.set(name, {
      name,
      uses: [],
      references: 0,
      takes: {},
      state: 'live',
      permanent: false,
      exitTime: 0,
      oops: false,
      parameters: { ...this.indexed.get(name)?.parameters },
      sourceVersion: null,
      identity: this.#nextIdentity++,
      ...properties,
    })
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
    await Promise.all(this.traces.map((trace) => trace.close()))
  }

  readonly index: ModuleIndex = {
    find: (names) =>
      Promise.resolve({
        complete: this.hasIndex,
        found: names.map((name) => {
          const known = this.hasIndex ? this.indexed.get(name) : undefined
          const builtin = known?.builtin ?? false
          return { path: known === undefined || builtin ? null : `/lib/${name}.ko`, builtin }
        }),
      }),
    lookup: (aliases) =>
      Promise.resolve(
        aliases.map(
          (alias) =>
            this.configAliases.get(alias) ??
            [...(this.hasIndex ? this.indexed.values() : [])]
              .filter(({ name, aliases: own = [] }) => name === alias || own.includes(alias))
              .map(({ name }) => name),
        ),
      ),
    describe: (name) => {
      const known = this.hasIndex ? this.indexed.get(name) : undefined
      return Promise.resolve(known === undefined ? null : describe(known))
    },
    policies: (names) =>
      Promise.resolve({
        complete: this.hasIndex,
        unreadable: [],
        policies: new Map(
          names
            .filter((name) => this.policies.has(name))
            .map((name): [string, RemovalPolicy] => [name, this.#policyOf(name)]),
        ),
      }),
    needs: (names) =>
      Promise.resolve(names.map((name) => [...(this.indexed.get(name)?.uses ?? [])])),
    describeFile: (path) => {
      const name = path.replace(/^.*\//, '').replace(/\..*$/, '')
      return Promise.resolve(describe(this.indexed.get(name) ?? { name }))
    },
  }

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

  #policyOf(name: string): RemovalPolicy {
    const { removeCommand = null, softDependencies, configured } = this.policies.get(name) ?? {}
    return {
      removeCommand,
      softDependencies: softDependencies ?? { pre: [], post: [] },
      configured: configured ?? false,
    }
  }

  snapshot(): Promise<Snapshot> {
    return Promise.resolve(this.snapshotNow)
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
    return this.#change(this.#remove(name, force))
  }

  insert(request: InsertRequest): Change {
    const attempts: Change['attempts'][number][] = []
    return { ...this.#change(this.#insert(request, attempts)), attempts }
  }

  async #remove(name: string, force: boolean): Promise<ChangeEnd> {
    await Promise.resolve()
    this.beforeRemoval?.(name)
    if (!this.factsNow.capability || this.factsNow.kernel.modulesDisabled)
      return refused('EPERM', 1)
    const module = this.modules.get(name)
    if (module === undefined) return refused('ENOENT', 2)
    if (this.holdersOf(name).length > 0) return refused('EAGAIN', 11)
    if (module.state !== 'live') return refused('EBUSY', 16)
    if (module.permanent && !force) return refused('EBUSY', 16)
    if (this.referencesOf(name) > 0 && !force) return refused('EAGAIN', 11)
    module.state = 'unloading'
    if (module.exitTime > 0) await this.clock.sleep(module.exitTime)
    if (module.oops) return { outcome: 'killed', signal: 9 }
    this.modules.delete(name)
    this.#tellChange()
    return { outcome: 'done' }
  }

  async #insert(
    { what, module, mustBeNew, parameters }: InsertRequest,
    attempts: { module: string; command: boolean }[],
  ): Promise<ChangeEnd> {
    await Promise.resolve()
    const name = module
    if (typeof what === 'string' && what !== module) {
      const [matches] = await this.index.lookup([what])
      // As libkmod: a module that the alias does not stand for is skipped.
      if (!matches!.includes(module)) return { outcome: 'done' }
      if (this.indexed.get(module)?.blacklisted) return refused('', 0)
    }
    this.beforeInsertion?.(name)
    if (this.modules.has(name)) return mustBeNew ? refused('EEXIST', 17) : { outcome: 'done' }
    const known = this.indexed.get(name)
    if (known === undefined && typeof what === 'string') return notFound()
    for (const needed of known?.uses ?? []) {
      await this.#insert(
        { what: needed, module: needed, mustBeNew: false, parameters: {} },
        attempts,
      )
    }
    const command = known?.installCommand
    attempts.push({ module: name, command: command !== undefined })
    if (command?.loads === false) return { outcome: 'done' }
    if (known?.initTime !== undefined) await this.clock.sleep(known.initTime)
    this.logLines?.push(...(known?.logs ?? []))
    if (this.factsNow.kernelBlacklist.includes(name)) return refused('EPERM', 1, 'init_module')
    if (known?.refuses) return refused(...known.refuses, 'init_module')
    const srcversion = known?.fields?.find(({ key }) => key === 'srcversion')?.value ?? null
    this.add(name, {
      uses: known?.uses ?? [],
      parameters: { ...known?.parameters, ...parameters },
      sourceVersion: srcversion,
    })
    return { outcome: 'done' }
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

function describe(module: IndexedModule): Description {
  return {
    name: module.name,
    path: module.builtin ? null : `/lib/${module.name}.ko`,
    options: null,
    removeCommand: null,
    installCommand: module.installCommand?.text ?? null,
    blacklisted: module.blacklisted ?? false,
    fields: module.fields ?? [],
  }
}

function refused(errnoName: string, errno: number, syscall = 'delete_module'): ChangeEnd {
  const failure: NativeFailure = { failure: 'system', errno, errnoName, syscall, detail: '' }
  return { outcome: 'refused', failure }
}

/** libkmod finds nothing to insert. */
function notFound(): ChangeEnd {
  return refused('ENOENT', 2, '')
}

function unsupported(): Error & KmodErrorDetails {
  return Object.assign(new Error('no table'), { code: 'ERR_KMOD_UNSUPPORTED' })
}
