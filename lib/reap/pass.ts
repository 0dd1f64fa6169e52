/** One look at the modules that a reaper may remove: which of them are idle. */
import type { LoadedModule, Spared, User } from '../contract/types'
import { findUsers } from '../explain/users'
import { effectsOf } from '../guard/effects'
import type { Kernel } from '../kernel/kernel'
import type { RemovalPolicy } from '../kernel/module-index'
import { PolicyReader } from '../plan/readings'

/** `reason: null`: the module is idle. */
export interface Finding {
  module: string
  reason: Spared['reason'] | null
}

/** The findings have the order of the rows. */
export async function inspectModules(
  kernel: Kernel,
  rows: readonly LoadedModule[],
  isKept: (name: string) => boolean,
): Promise<Finding[]> {
  const policies = new PolicyReader(kernel)
  const [snapshot] = await Promise.all([
    kernel.snapshot({ users: true }),
    policies.read(rows.map(({ name }) => name)),
  ])
  const effects = effectsOf(snapshot)
  const drivers = new Set(snapshot.boundDevices.flatMap(({ modules }) => modules))
  return rows.map((row) => {
    const { name: module } = row
    const reason =
      (isKept(module) ? 'kept' : null) ??
      reasonOfKernel(row) ??
      reasonOfPolicy(policies.policies.get(module)) ??
      (effects.has(module) ? 'effect' : null) ??
      (drivers.has(module) ? 'device' : null) ??
      (findUsers(row, snapshot).some(isUse) ? 'in-use' : null)
    return { module, reason }
  })
}

function reasonOfKernel({
  state,
  holders,
  refCount,
  permanent,
}: LoadedModule): Spared['reason'] | null {
  if (state !== 'live') return 'in-use'
  if (holders.length > 0) return 'held'
  if (refCount !== 0) return 'in-use'
  return permanent ? 'permanent' : null
}

function reasonOfPolicy(policy: RemovalPolicy | undefined): Spared['reason'] | null {
  if (policy?.configured) return 'configured'
  return policy?.removeCommand == null ? null : 'command'
}

/**
 * A line discipline is listed as a user because a terminal may use it. Each terminal would take a
 * reference, so at reference count 0 none does.
 */
function isUse({ kind }: User): boolean {
  return kind !== 'tty'
}
