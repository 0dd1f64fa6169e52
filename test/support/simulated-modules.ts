/** Modules that several tests have in their simulated kernel, and what they read of a plan. */
import type { UnloadPlan, UnloadStep } from '../../lib/contract/types'
import type { NetworkInterface } from '../../lib/kernel/network-facts'
import type { Mount } from '../../lib/kernel/snapshot'
import type { SimulatedKernel } from '../../lib/testing/simulated-kernel'
import { mount, netInterface } from './snapshots'

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

/** Mounts a file system of a module at a folder. umount and mount do what they say. */
export function addMount(
  kernel: SimulatedKernel,
  path: string,
  module: string,
  more: Partial<Mount> = {},
): void {
  const superblock = `7:${kernel.snapshotNow.mounts.length}`
  const one = mount(path, superblock, {
    source: '/dev/loop0',
    type: module,
    modules: [module],
    ...more,
  })
  kernel.snapshotNow.mounts.push(one)
  kernel.modules.get(module)!.references++
  kernel.programs.set(`umount ${path}`, () => {
    if (kernel.processes.some((process) => process.path.startsWith(`${path}/`))) return 32
    kernel.snapshotNow.mounts = kernel.snapshotNow.mounts.filter((each) => each !== one)
    kernel.modules.get(module)!.references--
    return 0
  })
  kernel.programs.set(`mount -t ${module} -o rw /dev/loop0 ${path}`, () => {
    kernel.snapshotNow.mounts.push(one)
    kernel.modules.get(module)!.references++
    return 0
  })
}

/** A module has a reference for this time. */
export function busyFor(kernel: SimulatedKernel, name: string, milliseconds: number): void {
  kernel.modules.get(name)!.references = 1
  kernel.after(milliseconds, () => (kernel.modules.get(name)!.references = 0))
}

/** The codes of what blocks the plan. */
export const codes = (plan: UnloadPlan): string[] => plan.blockers.map(({ code }) => code)

/** What each step runs or removes: the command of a release, else the name of the module. */
export const commands = (steps: readonly UnloadStep[]): string[] =>
  steps.map((step) => (step.action === 'release' ? step.command.join(' ') : step.module))
