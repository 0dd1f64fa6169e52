/** Implements simulate(), and the World of a simulated system. */
import { constants } from 'node:os'
import { invalidType, invalidValue } from '../contract/errors'
import { checkName } from '../contract/names'
import { checkOptions, duration, flag, listOf, oneOf, type Rule } from '../contract/options'
import type { ModuleEvent, User } from '../contract/types'
import { Kmod } from '../index'
import { readConfiguration, type Configuration } from './configuration'
import { SimulatedClock } from './simulated-clock'
import type { Behaviour } from './simulated-index'
import { SimulatedKernel, type KernelModule } from './simulated-kernel'
import type { SimulatedModule, SimulatedSystem, World } from './types'

/**
 * Makes a system whose kernel is in memory: no root, no virtual machine, no waiting. All calls of the
 * returned `Kmod` work on it as on the running system, and it refuses removals for the reasons of the
 * kernel. `world` is everything else that happens there.
 *
 * Time passes only by `world.advance`: a call that waits is awaited after it.
 *
 * Throws a TypeError for a system that cannot exist, such as a module that uses an unknown one.
 *
 * @example
 * ```js
 * const kmod = simulate({ modules: [{ name: 'tun', refCount: 1 }] })
 * const unloading = kmod.unload('tun', { wait: 30_000 })
 * await kmod.world.advance(10_000)
 * kmod.world.setUsers('tun', [])
 * ```
 */
export function simulate(system: SimulatedSystem): Kmod & { world: World } {
  const { modules, users = [], files = {} } = checkSystem(system)
  const clock = new SimulatedClock('manual')
  const kernel = new SimulatedKernel(clock)
  const simulated = new SimulatedWorld(kernel, clock, readConfiguration(files))
  simulated.addAll(modules, users)
  return Object.assign(Kmod.over(kernel), { world: simulated })
}

const object: Rule<object> = {
  expected: 'an object',
  accepts: (value): value is object =>
    typeof value === 'object' && value !== null && !Array.isArray(value),
}
const text: Rule<string> = {
  expected: 'a string',
  accepts: (value): value is string => typeof value === 'string',
}
const count: Rule<number> = {
  expected: 'a whole number, 0 or more',
  accepts: (value): value is number => Number.isSafeInteger(value) && Number(value) >= 0,
}
const errorName: Rule<string> = {
  expected: "the name of an error number, such as 'EPERM'",
  accepts: (value): value is string =>
    typeof value === 'string' && Object.hasOwn(constants.errno, value),
}
const user = object as Rule<User>

function checkSystem(system: unknown): SimulatedSystem {
  if (!object.accepts(system)) throw invalidType('system', 'an object', system)
  const checked = checkOptions<SimulatedSystem>(system, {
    modules: listOf(object as Rule<SimulatedModule>),
    users: listOf(user),
    files: object as Rule<Record<string, string>>,
  })
  // The types require it, but JavaScript does not.
  const modules = checked.modules as SimulatedSystem['modules'] | undefined
  if (modules === undefined) throw invalidValue('system.modules', 'an array', modules)
  return checked
}

/** A copy with the spelling of the kernel. */
function checkModule(module: unknown): SimulatedModule {
  const checked = checkOptions<SimulatedModule>(module, {
    name: text,
    uses: listOf(text),
    refCount: count,
    state: oneOf('live', 'loading', 'unloading', 'unloaded', 'builtin'),
    permanent: flag,
    exit: object,
  })
  const exit = checkOptions<NonNullable<SimulatedModule['exit']>>(checked.exit, {
    duration,
    fails: errorName,
    hangs: flag,
  })
  const uses = (checked.uses ?? []).map((name) => checkName(name, 'uses'))
  const name = checkName(checked.name)
  if (!isLoaded(checked) && checked.refCount !== undefined) {
    throw invalidValue('refCount', `absent for ${name}, which is not loaded`, checked.refCount)
  }
  return { ...checked, name, uses, exit }
}

function isLoaded({ state = 'live' }: SimulatedModule): boolean {
  return state !== 'unloaded' && state !== 'builtin'
}

/** The references that users hold, as far as they are known. */
function referencesOf(users: readonly User[]): number {
  return users.reduce((sum, { references }) => sum + (references ?? 0), 0)
}

class SimulatedWorld implements World {
  constructor(
    private readonly kernel: SimulatedKernel,
    private readonly clock: SimulatedClock,
    private readonly configuration: Configuration,
  ) {
    for (const [alias, names] of configuration.aliases) kernel.configAliases.set(alias, names)
    for (const [name, policy] of configuration.policies) {
      kernel.policies.set(name, policy)
      const command = policy.removeCommand ?? ''
      kernel.commands.set(name, () => {
        if (/rmmod|modprobe/.test(command) && kernel.modules.has(name)) kernel.drop(name)
        return { exitCode: 0, output: '' }
      })
    }
  }

  addAll(modules: readonly SimulatedModule[], users: readonly User[]): void {
    const checked = new Map(modules.map(checkModule).map((module) => [module.name, module]))
    if (checked.size < modules.length) {
      const names = modules.map(({ name }) => name)
      throw invalidValue('system.modules', 'modules with different names', names)
    }
    for (const module of checked.values()) this.#addToIndex(module)
    for (const module of inOrderOfLoading(checked).filter(isLoaded)) this.#load(module)
    for (const name of new Set(users.map(({ module }) => checkName(module, 'users')))) {
      const own = users.filter(({ module }) => checkName(module, 'users') === name)
      this.#give(name, own)
    }
    for (const { name, refCount, state } of checked.values()) {
      const module = this.kernel.modules.get(name)
      if (module === undefined || refCount === undefined || state === 'unloading') continue
      const holders = this.kernel.holdersOf(name).length
      const known = holders + module.references
      if (refCount < known) {
        throw invalidValue(
          'refCount',
          `at least ${known} for the module ${name}, which has so many holders and references of users`,
          refCount,
        )
      }
      module.references = refCount - holders
    }
  }

  add(module: SimulatedModule): void {
    const checked = checkModule(module)
    const { name, uses = [], refCount = 0 } = checked
    const { modules, sysBuiltins } = this.kernel
    if (modules.has(name)) {
      throw invalidValue('module', 'a module that is not loaded', name)
    }
    const missing = uses.find((one) => !modules.has(one) && !sysBuiltins.has(one))
    if (missing !== undefined) {
      throw invalidValue('module.uses', 'names of loaded modules', missing)
    }
    this.#addToIndex(checked)
    if (!isLoaded(checked)) return
    this.#load(checked)
    this.kernel.setReferences(name, refCount)
  }

  drop(name: string): void {
    const module = this.#loaded(name)
    const holders = this.kernel.holdersOf(module.name)
    if (holders.length > 0) {
      throw invalidValue(
        'name',
        `a module that no other module uses`,
        name,
        ` ${holders.join(', ')} use it.`,
      )
    }
    this.#setGiven(module.name, [])
    this.kernel.drop(module.name)
  }

  setUsers(name: string, users: readonly User[]): void {
    if (!Array.isArray(users)) throw invalidType('users', 'an array', users)
    this.#give(this.#loaded(name).name, users)
  }

  emit(event: ModuleEvent): void {
    for (const watch of this.kernel.watches) watch.add(event)
  }

  async advance(milliseconds: number): Promise<void> {
    if (!duration.accepts(milliseconds) || milliseconds === Infinity) {
      throw invalidValue('milliseconds', duration.expected, milliseconds)
    }
    await this.clock.advance(milliseconds)
  }

  #loaded(name: string): KernelModule {
    const module = this.kernel.modules.get(checkName(name))
    if (module === undefined) throw invalidValue('name', 'a loaded module', name)
    return module
  }

  #give(name: string, users: readonly User[]): void {
    const own = users.map((one) => ({ ...one, module: checkName(one.module, 'users') }))
    const other = own.find(({ module }) => module !== name)
    if (other !== undefined) throw invalidValue('users', `users of ${name}`, other)
    if (!this.kernel.modules.has(name)) throw invalidValue('users', 'users of loaded modules', name)
    this.#setGiven(name, own)
    this.kernel.setReferences(name, referencesOf(own))
  }

  #setGiven(name: string, users: readonly User[]): void {
    const { snapshotNow } = this.kernel
    const others = snapshotNow.given.filter(({ module }) => module !== name)
    this.kernel.snapshotNow = { ...snapshotNow, given: [...others, ...users] }
  }

  #addToIndex(module: SimulatedModule): void {
    const { name, uses = [], state } = module
    const { options, installCommands, blacklist } = this.configuration
    const own = options.get(name) ?? []
    const command = installCommands.get(name)
    if (state === 'builtin') this.kernel.sysBuiltins.add(name)
    this.kernel.addToIndex({
      name,
      uses: [...uses],
      behaviour: behaviourOf(module),
      builtin: state === 'builtin',
      blacklisted: blacklist.has(name),
      parameters: Object.fromEntries(own.map((one) => one.split('=', 2)) as [string, string][]),
      ...(own.length > 0 && { options: own.join(' ') }),
      ...(command !== undefined && {
        installCommand: { text: command, loads: /modprobe|insmod/.test(command) },
      }),
    })
  }

  #load({ name, uses = [], state }: SimulatedModule): void {
    this.kernel.add(name, {
      uses: [...uses],
      state: state === 'loading' || state === 'unloading' ? state : 'live',
      ...this.kernel.indexed.get(name)!.behaviour,
    })
  }
}

function behaviourOf({ permanent = false, exit = {} }: SimulatedModule): Partial<Behaviour> {
  const { duration = 0, hangs = false, fails } = exit
  const number = constants.errno[fails as keyof typeof constants.errno]
  return {
    permanent,
    exitTime: hangs ? Infinity : duration,
    fails: fails === undefined ? null : [fails, number],
  }
}

/** Each module after the modules that it uses. */
function inOrderOfLoading(modules: ReadonlyMap<string, SimulatedModule>): SimulatedModule[] {
  const ordered = new Set<SimulatedModule>()
  const path: string[] = []
  const visit = (name: string): void => {
    const module = modules.get(name)
    if (module === undefined) {
      throw invalidValue(`uses of ${path.at(-1)!}`, 'names of modules of the system', name)
    }
    if (ordered.has(module)) return
    if (path.includes(name)) {
      throw invalidValue('uses', 'without a cycle', [...path, name].join(' -> '))
    }
    path.push(name)
    for (const used of module.uses ?? []) {
      visit(used)
      if (isLoaded(module) && modules.get(used)!.state === 'unloaded') {
        throw invalidValue(`uses of ${name}`, 'names of modules that are loaded or built in', used)
      }
    }
    path.pop()
    ordered.add(module)
  }
  for (const name of modules.keys()) visit(name)
  return [...ordered]
}
