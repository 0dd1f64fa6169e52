import type { VirtualMachine } from '../kernel/snapshot'
import type { RawSurvey } from './system/raw'
import type { Sysfs } from './system/sysfs'

/** As /proc/PID/fd names the descriptor that holds a virtual machine. Source: virt/kvm/kvm_main.c. */
export const KVM_MACHINE = 'anon_inode:kvm-vm'

const DEBUG_FOLDER = '/sys/kernel/debug/kvm'

/**
 * The modules that hold the processor's side of KVM: who has /dev/kvm or a virtual machine open refers to
 * them, and they hold `kvm`. Source: kvm_init() in virt/kvm/kvm_main.c.
 */
const PROCESSOR_MODULES = ['kvm_intel', 'kvm_amd']

export async function kvmModules(sysfs: Sysfs): Promise<string[]> {
  const states = await Promise.all(
    PROCESSOR_MODULES.map((name) => sysfs.text(`/sys/module/${name}/initstate`)),
  )
  const loaded = PROCESSOR_MODULES.filter((_, i) => states[i] !== null)
  // Of other architectures, `kvm` is all there is.
  return loaded.length > 0 ? loaded : ['kvm']
}

/**
 * The virtual machines, by the folders PID-FD that KVM has in debugfs, and by the descriptors where they
 * were looked at. Source: kvm_create_vm_debugfs() in virt/kvm/kvm_main.c.
 */
export async function readVirtualMachines(
  open: RawSurvey['openDevices'],
  users: boolean,
  sysfs: Sysfs,
): Promise<{ virtualMachines: VirtualMachine[]; unreadable: string[] }> {
  const [entries, holding] = await Promise.all([sysfs.list(DEBUG_FOLDER), kvmModules(sysfs)])
  const comms = new Map(
    open.flatMap(({ pid, comm, path }) => (path === KVM_MACHINE ? [[pid, comm] as const] : [])),
  )
  const pids = entries.flatMap((name) => /^(\d{1,9})-\d+$/.exec(name)?.[1] ?? []).map(Number)
  const unnamed = [...new Set(pids)].filter((pid) => !comms.has(pid))
  const names = await Promise.all(unnamed.map((pid) => sysfs.text(`/proc/${pid}/comm`)))
  unnamed.forEach((pid, i) => comms.set(pid, names[i] ?? ''))
  const modules = [...new Set([...holding, 'kvm'])]
  return {
    virtualMachines: [...comms].map(([pid, comm]) => ({ pid, comm, modules })),
    unreadable: users || entries.length > 0 ? [] : await unseen(holding, sysfs),
  }
}

/** With neither debugfs nor the descriptors, only a reference tells that there may be one. */
async function unseen(holding: readonly string[], sysfs: Sysfs): Promise<string[]> {
  const counts = await Promise.all(
    holding.map((module) => sysfs.text(`/sys/module/${module}/refcnt`)),
  )
  return counts.some((count) => Number(count) > 0)
    ? [`virtual machines: ${DEBUG_FOLDER} cannot be read`]
    : []
}
