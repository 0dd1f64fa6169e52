/** The module index, the configuration and the module files of the simulated kernel. */
import type { Description, ModuleIndex, RemovalPolicy } from '../kernel/module-index'

/** How a loaded module behaves when it is removed. */
export interface Behaviour {
  permanent: boolean
  /** How many milliseconds the exit function takes; Infinity: it hangs. */
  exitTime: number
  /** The exit function causes an oops. */
  oops: boolean
  /** delete_module(2) fails with this error after its checks: its name and number; null: it does not. */
  fails: [errnoName: string, errno: number] | null
}

/** A module in the index. */
export interface IndexedModule {
  name: string
  uses?: string[]
  builtin?: boolean
  /** The parameters that modprobe.d sets, as one line. */
  options?: string
  aliases?: string[]
  fields?: { key: string; value: string }[]
  /** The default values of its parameters. */
  parameters?: Record<string, string>
  /** The parameters that sysfs can write. */
  writable?: string[]
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
  /** How many milliseconds its init function takes; Infinity: it hangs. */
  initTime?: number
  /** How it behaves once it is loaded. */
  behaviour?: Partial<Behaviour>
}

/** What a test configures. */
export interface IndexContents {
  readonly indexed: ReadonlyMap<string, IndexedModule>
  /** Files outside the index, by path. */
  readonly files: ReadonlyMap<string, IndexedModule>
  readonly configAliases: ReadonlyMap<string, string[]>
  readonly policies: ReadonlyMap<string, Partial<RemovalPolicy>>
  readonly hasIndex: boolean
}

export class SimulatedIndex implements ModuleIndex {
  constructor(private readonly contents: IndexContents) {}

  find(names: readonly string[]): ReturnType<ModuleIndex['find']> {
    const found = names.map((name) => {
      const known = this.#get(name)
      const builtin = known?.builtin ?? false
      return { path: known === undefined || builtin ? null : `/lib/${name}.ko`, builtin }
    })
    return Promise.resolve({ complete: this.contents.hasIndex, found })
  }

  lookup(aliases: readonly string[]): Promise<string[][]> {
    const { indexed, hasIndex, configAliases } = this.contents
    return Promise.resolve(
      aliases.map(
        (alias) =>
          configAliases.get(alias) ??
          [...(hasIndex ? indexed.values() : [])]
            .filter(({ name, aliases: own = [] }) => name === alias || own.includes(alias))
            .map(({ name }) => name),
      ),
    )
  }

  describe(name: string): Promise<Description | null> {
    const known = this.#get(name)
    return Promise.resolve(known === undefined ? null : describe(known))
  }

  policies(names: readonly string[]): ReturnType<ModuleIndex['policies']> {
    const { policies, hasIndex } = this.contents
    return Promise.resolve({
      complete: hasIndex,
      unreadable: [],
      policies: new Map(
        names
          .filter((name) => policies.has(name))
          .map((name): [string, RemovalPolicy] => [name, policyOf(policies.get(name)!)]),
      ),
    })
  }

  needs(names: readonly string[]): Promise<string[][]> {
    return Promise.resolve(names.map((name) => this.#needsOf(name)))
  }

  describeFile(path: string): Promise<Description> {
    const { files, indexed } = this.contents
    const name = path.replace(/^.*\//, '').replace(/\..*$/, '')
    return Promise.resolve(describe(files.get(path) ?? indexed.get(name) ?? { name }))
  }

  /** Also what those need, as in modules.dep. */
  #needsOf(name: string): string[] {
    const found = new Set([name])
    for (const one of found) for (const need of this.#get(one)?.uses ?? []) found.add(need)
    found.delete(name)
    return [...found]
  }

  #get(name: string): IndexedModule | undefined {
    return this.contents.hasIndex ? this.contents.indexed.get(name) : undefined
  }
}

function policyOf(policy: Partial<RemovalPolicy>): RemovalPolicy {
  const { removeCommand = null, softDependencies, configured } = policy
  return {
    removeCommand,
    softDependencies: softDependencies ?? { pre: [], post: [] },
    configured: configured ?? false,
  }
}

function describe(module: IndexedModule): Description {
  return {
    name: module.name,
    path: module.builtin ? null : `/lib/${module.name}.ko`,
    options: module.options ?? null,
    removeCommand: null,
    installCommand: module.installCommand?.text ?? null,
    blacklisted: module.blacklisted ?? false,
    fields: module.fields ?? [],
  }
}
