/** Modules that several tests have in their simulated kernel, and what they read of a plan. */
import type { UnloadPlan } from '../../lib/contract/types'
import type { NetworkInterface } from '../../lib/kernel/snapshot'
import type { SimulatedKernel } from '../../lib/testing/simulated-kernel'
import { netInterface } from './snapshots'

/** top uses mid, which uses base; the index has all three. */
export function addChain(kernel: SimulatedKernel): void {
  kernel.addToIndex(
    { name: 'base' },
    { name: 'mid', uses: ['base'] },
    { name: 'top', uses: ['mid'] },
  )
  kernel
    .add('base')
    .add('mid', { uses: ['base'] })
    .add('top', { uses: ['mid'] })
}

/** The modules that `modprobe br_netfilter` loads on a real system. */
export function addBridge(kernel: SimulatedKernel): void {
  kernel
    .add('llc')
    .add('stp', { uses: ['llc'] })
    .add('bridge', { uses: ['stp', 'llc'] })
    .add('br_netfilter', { uses: ['bridge'] })
}

/** An interface that the module provides, eth0 by default. */
export function addInterface(
  kernel: SimulatedKernel,
  module: string,
  more: Partial<NetworkInterface> = {},
): void {
  kernel.snapshotNow.interfaces.push(netInterface('eth0', { modules: [module], ...more }))
}

/** The codes of what blocks the plan. */
export const codes = (plan: UnloadPlan): string[] => plan.blockers.map(({ code }) => code)
