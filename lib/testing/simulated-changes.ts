/**
 * How the simulated kernel removes and loads modules. It refuses a removal as delete_module(2) does, which
 * checks in this order: holders, state, no exit function, references.
 */
import type { NativeFailure } from '../kernel/failure'
import type { ChangeEnd, InsertRequest } from '../kernel/kernel'
import type { SimulatedKernel } from './simulated-kernel'

export async function removeModule(
  kernel: SimulatedKernel,
  name: string,
  force: boolean,
): Promise<ChangeEnd> {
  await Promise.resolve()
  kernel.beforeRemoval?.(name)
  if (!kernel.factsNow.capability || kernel.factsNow.kernel.modulesDisabled)
    return refused('EPERM', 1)
  const module = kernel.modules.get(name)
  if (module === undefined) return refused('ENOENT', 2)
  if (kernel.holdersOf(name).length > 0) return refused('EAGAIN', 11)
  if (module.state !== 'live') return refused('EBUSY', 16)
  if (module.permanent && !force) return refused('EBUSY', 16)
  if (kernel.referencesOf(name) > 0 && !force) return refused('EAGAIN', 11)
  if (module.fails !== null) return refused(...module.fails)
  module.state = 'unloading'
  if (module.exitTime > 0) await kernel.clock.sleep(module.exitTime)
  if (module.oops) return { outcome: 'killed', signal: 9 }
  kernel.drop(name)
  return { outcome: 'done' }
}

export async function insertModule(
  kernel: SimulatedKernel,
  { what, module, mustBeNew, parameters }: InsertRequest,
  attempts: { module: string; command: boolean }[],
): Promise<ChangeEnd> {
  await Promise.resolve()
  const name = module
  if (typeof what === 'string' && what !== module) {
    const [matches] = await kernel.index.lookup([what])
    // As libkmod: a module that the alias does not stand for is skipped.
    if (!matches!.includes(module)) return { outcome: 'done' }
    if (kernel.indexed.get(module)?.blacklisted) return blacklisted(module)
  }
  kernel.beforeInsertion?.(name)
  if (kernel.modules.has(name)) return mustBeNew ? refused('EEXIST', 17) : { outcome: 'done' }
  const known =
    typeof what === 'string'
      ? kernel.indexed.get(name)
      : (kernel.files.get(what.file) ?? kernel.indexed.get(name))
  if (known === undefined && typeof what === 'string') return notFound()
  for (const needed of known?.uses ?? []) {
    if (kernel.indexed.get(needed)?.builtin) continue
    const end = await insertModule(
      kernel,
      { what: needed, module: needed, mustBeNew: false, parameters: {} },
      attempts,
    )
    if (end.outcome !== 'done') return end
  }
  const command = known?.installCommand
  attempts.push({ module: name, command: command !== undefined })
  if (command?.loads === false) return { outcome: 'done' }
  if (known?.initTime !== undefined) await kernel.clock.sleep(known.initTime)
  kernel.logLines?.push(...(known?.logs ?? []))
  if (kernel.factsNow.kernelBlacklist.includes(name)) return refused('EPERM', 1, 'init_module')
  if (known?.refuses) return refused(...known.refuses, 'init_module')
  const srcversion = known?.fields?.find(({ key }) => key === 'srcversion')?.value ?? null
  kernel.add(name, {
    uses: known?.uses ?? [],
    parameters: { ...known?.parameters, ...parameters },
    sourceVersion: srcversion,
    ...known?.behaviour,
  })
  return { outcome: 'done' }
}

export function refused(errnoName: string, errno: number, syscall = 'delete_module'): ChangeEnd {
  const failure: NativeFailure = { failure: 'system', errno, errnoName, syscall, detail: '' }
  return { outcome: 'refused', failure }
}

/** As native/libkmod/insert.cc says it. */
function blacklisted(module: string): ChangeEnd {
  const detail = `${module} is blacklisted in modprobe.d; the blacklist applies because the module was requested by an alias`
  return {
    outcome: 'refused',
    failure: { failure: 'system', errno: 0, errnoName: '', syscall: '', detail },
  }
}

/** libkmod finds nothing to insert. */
function notFound(): ChangeEnd {
  return refused('ENOENT', 2, '')
}
