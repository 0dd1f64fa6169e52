/** What the kernel reports while a call changes it: new taints, and the messages of its log. */
import type { Kernel, KernelLog, LogRecord } from '../kernel/kernel'
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

/** Set by loading a module that is not part of the kernel's source, or has no signature. */
const TAINTS_OF_LOADING: readonly string[] = ['OOT_MODULE', 'UNSIGNED_MODULE']

/** How the kernel reports faults. */
const FAULTS = [
  /\bWARNING: /, // WARN(), and most reports of lockdep
  /\bINFO: (?:possible |inconsistent |suspicious |trying to register non-static key)/, // lockdep
  /\bBUG: |\bkernel BUG at /, // BUG(), KASAN, lockdep
  /\bBUG \S+ \(.*\): /, // a check of the slab allocator, such as "Objects remaining"
  /\bSlab cache still has objects\b/,
  /\bOops\b/,
  /\bgeneral protection fault\b/,
  /\bunregister_netdevice: waiting\b/,
  /\bUBSAN: /,
  /\bKASAN: /,
]

function taintNames(bits: bigint): string[] {
  const names: string[] = []
  for (let bit = 0; bits >> BigInt(bit) !== 0n; bit++) {
    if ((bits >> BigInt(bit)) & 1n) names.push(TAINTS[bit] ?? `TAINT_${bit}`)
  }
  return names
}

/** Watches the kernel from `begin()` to `finish()`. */
export class HealthWatch {
  #records: LogRecord[] = []
  /** Some records could not be read. */
  #isLost = false
  #isReadable: boolean

  private constructor(
    private readonly kernel: Kernel,
    private taints: bigint,
    private readonly log: KernelLog | null,
    private readonly expectedTaints: readonly string[],
  ) {
    this.#isReadable = log !== null
  }

  /** `isLoading`: {@link TAINTS_OF_LOADING} do not count as faults. */
  static async begin(kernel: Kernel, { isLoading = false } = {}): Promise<HealthWatch> {
    const [taints, log] = await Promise.allSettled([kernel.taints(), kernel.openLog()])
    if (log.status === 'rejected') throw log.reason
    if (taints.status === 'rejected') {
      log.value?.close()
      throw taints.reason
    }
    const expected = isLoading ? TAINTS_OF_LOADING : []
    return new HealthWatch(kernel, taints.value, log.value, expected)
  }

  /** What the kernel itself has logged until now. */
  async kernelMessages(): Promise<string[]> {
    await this.#read()
    return this.#records.filter(({ fromKernel }) => fromKernel).map(({ text }) => text)
  }

  /** What happened so far. */
  async soFar(): Promise<KernelHealth> {
    return (await this.#judge()).health
  }

  /** What happened so far; the next answer is about what happens from now on. */
  async lap(): Promise<KernelHealth> {
    const { health, taints } = await this.#judge()
    this.taints = taints
    this.#records = []
    this.#isLost = false
    return health
  }

  /** Ends the watch. Must be called once, also after a failure. */
  async finish(): Promise<KernelHealth> {
    try {
      return await this.soFar()
    } finally {
      this.log?.close()
    }
  }

  async #judge(): Promise<{ health: KernelHealth; taints: bigint }> {
    const [logged, taints] = await Promise.all([this.kernelMessages(), this.kernel.taints()])
    const newTaints = taintNames(taints & ~this.taints)
    const hasFault =
      newTaints.some((taint) => !this.expectedTaints.includes(taint)) ||
      logged.some((text) => FAULTS.some((fault) => fault.test(text)))
    const hasSeenAll = this.#isReadable && !this.#isLost
    const clean = hasFault ? false : hasSeenAll || null
    return { health: { newTaints, messages: this.#messages(), clean }, taints }
  }

  #messages(): string[] | null {
    if (!this.#isReadable) return null
    const texts = this.#records.map(({ text }) => text)
    if (!this.#isLost) return texts
    return ['node-kmod: some messages of the kernel could not be read', ...texts]
  }

  async #read(): Promise<void> {
    try {
      const read = await this.log?.read()
      this.#records.push(...(read?.records ?? []))
      this.#isLost ||= read?.lost ?? false
    } catch {
      this.#isReadable = false
    }
  }
}
