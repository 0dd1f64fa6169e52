/** The running KVM virtual machines. */
import type { VirtualMachine } from '../../kernel/snapshot'
import type { Sources } from '../system/sources'
import type { Sysfs } from '../system/sysfs'

/** The target of /proc/PID/fd/N for a virtual machine. Source: virt/kvm/kvm_main.c. */
const KVM_MACHINE = 'anon_inode:kvm-vm'

const DEBUG_FOLDER = '/sys/kernel/debug/kvm'

/**
 * The modules of KVM for one processor type. An open /dev/kvm or virtual machine refers to that module,
 * which is a holder of `kvm`. Source: kvm_init() in virt/kvm/kvm_main.c.
 */
const PROCESSOR_MODULES = ['kvm_intel', 'kvm_amd']

/** The modules of which an open /dev/kvm holds a reference. */
export async function kvmModules(sysfs: Sysfs): Promise<string[]> {
  const states = await Promise.all(
    PROCESSOR_MODULES.map((name) => sysfs.text(`/sys/module/${name}/initstate`)),
  )
  const loaded = PROCESSOR_MODULES.filter((_, i) => states[i] !== null)
  // On other architectures, `kvm` is one module.
  return loaded.length > 0 ? loaded : ['kvm']
}

/**
 * Found by the folders PID-FD in debugfs, and by open descriptors if the survey has them. Source:
 * kvm_create_vm_debugfs() in virt/kvm/kvm_main.c.
 */
export async function readVirtualMachines({
  raw,
  sysfs,
  unreadable,
}: Sources): Promise<VirtualMachine[]> {
  const [entries, holding] = await Promise.all([sysfs.list(DEBUG_FOLDER), kvmModules(sysfs)])
  const comms = new Map(
    raw.openDevices.flatMap(({ pid, comm, path }) =>
      path === KVM_MACHINE ? [[pid, comm] as const] : [],
    ),
  )
  const pids = entries.flatMap((name) => /^(\d{1,9})-\d+$/.exec(name)?.[1] ?? []).map(Number)
  const unnamed = [...new Set(pids)].filter((pid) => !comms.has(pid))
  const names = await Promise.all(unnamed.map((pid) => sysfs.text(`/proc/${pid}/comm`)))
  unnamed.forEach((pid, i) => comms.set(pid, names[i] ?? ''))
  if (!raw.users && entries.length === 0 && (await isReferenced(holding, sysfs))) {
    unreadable.add(`virtual machines: ${DEBUG_FOLDER} cannot be read`)
  }
  const modules = [...new Set([...holding, 'kvm'])]
  return [...comms].map(([pid, comm]) => ({ pid, comm, modules }))
}

async function isReferenced(modules: readonly string[], sysfs: Sysfs): Promise<boolean> {
  const counts = await Promise.all(
    modules.map((module) => sysfs.text(`/sys/module/${module}/refcnt`)),
  )
  return counts.some((count) => Number(count) > 0)
}
