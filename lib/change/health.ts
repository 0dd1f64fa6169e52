/** What the kernel reports while a call changes it: new taints, and the messages of its log. */
import type { Kernel, KernelLog } from '../kernel/kernel'
import type { KernelHealth } from '../contract/types'

/** By bit number. Source: the TAINT_ constants of include/linux/panic.h. */
const TAINTS = [
  'PROPRIETARY_MODULE',
  'FORCED_MODULE',
  'CPU_OUT_OF_SPEC',
  'FORCED_RMMOD',
  'MACHINE_CHECK',
  'BAD_PAGE',
  'USER',
  'DIE',
  'OVERRIDDEN_ACPI_TABLE',
  'WARN',
  'CRAP',
  'FIRMWARE_WORKAROUND',
  'OOT_MODULE',
  'UNSIGNED_MODULE',
  'SOFTLOCKUP',
  'LIVEPATCH',
  'AUX',
  'RANDSTRUCT',
  'TEST',
  'FWCTL',
]

const ALARMING = /\bWARNING: |\bBUG: |\bkernel BUG at |\bOops\b/

function taintNames(bits: bigint): string[] {
  const names: string[] = []
  for (let bit = 0; bits >> BigInt(bit) !== 0n; bit++) {
    if ((bits >> BigInt(bit)) & 1n) names.push(TAINTS[bit] ?? `TAINT_${bit}`)
  }
  return names
}

export class HealthWatch {
  private constructor(
    private readonly kernel: Kernel,
    private readonly taints: bigint,
    private readonly log: KernelLog | null,
  ) {}

  static async begin(kernel: Kernel): Promise<HealthWatch> {
    const [log, taints] = await Promise.all([kernel.openLog(), kernel.taints()])
    return new HealthWatch(kernel, taints, log)
  }

  /** Ends the watch: to be called once, also after a failure. */
  async finish(): Promise<KernelHealth> {
    try {
      const [read, taints] = await Promise.all([
        this.log?.read().catch(() => undefined),
        this.kernel.taints(),
      ])
      const newTaints = taintNames(taints & ~this.taints)
      const messages = read?.messages ?? null
      const alarming = newTaints.length > 0 || messages?.some((text) => ALARMING.test(text))
      if (read?.lost) {
        messages?.unshift('node-kmod: the kernel overwrote messages before they were read')
      }
      const seenAll = read !== undefined && !read.lost
      return { newTaints, messages, clean: alarming ? false : seenAll ? true : null }
    } finally {
      this.log?.close()
    }
  }
}
