/** Waiting for a change to the kernel, which may never end. */
import { KmodError } from '../contract/errors'
import type { Change, ChangeEnd, Clock, Kernel } from '../kernel/kernel'

export const DEFAULT_HUNG_AFTER = 30_000

/** Throws where a call would change a system that can only be looked at. */
export function refuseReadOnly(kernel: Kernel): void {
  if (!kernel.readOnly) return
  throw new KmodError(
    'ERR_KMOD_READ_ONLY',
    'This Kmod looks at another root than the running system: it can only be inspected. Use a ' +
      'Kmod without `root` to change the running kernel.',
  )
}

export function abortedError(signal: AbortSignal, message: string, module?: string): KmodError {
  return new KmodError('ERR_KMOD_ABORTED', message, {
    cause: signal.reason,
    ...(module !== undefined && { module }),
  })
}

export function throwIfAborted(signal: AbortSignal | undefined, doing: string): void {
  if (signal?.aborted) throw abortedError(signal, `${doing} was aborted before it began.`)
}

/** Changes that were given up on and are still inside the kernel, by module. */
const stuck = new Map<string, Change>()

/** The process that is known to be stuck in the kernel with this module. */
export function stuckPid(module: string): number | undefined {
  return stuck.get(module)?.pid
}

/** The modules of such changes. */
export function stuckModules(): string[] {
  return [...stuck.keys()]
}

export interface Patience {
  /** Milliseconds, or Infinity. */
  hungAfter: number
  /** Heard while the change is under way. */
  signal?: AbortSignal | undefined
}

/**
 * Resolves with how the change ended. Rejects with ERR_KMOD_HUNG or ERR_KMOD_ABORTED while it goes
 * on: a call into the kernel cannot be taken back. What then is left behind is remembered until it
 * ends.
 */
export async function awaitChange(
  clock: Clock,
  module: string,
  change: Change,
  { hungAfter, signal }: Patience,
): Promise<ChangeEnd> {
  const over = new AbortController()
  const ended = change.ended.finally(() => over.abort())
  const hung = hungAfter === Infinity ? never() : clock.sleep(hungAfter, over.signal)
  const first = await Promise.race([
    ended,
    hung.then(() => 'hung' as const),
    whenAborted(signal, over.signal).then(() => 'aborted' as const),
  ])
  if (typeof first === 'object') return first
  // Both may have come at once; what has ended has neither hung nor is worth aborting.
  if (over.signal.aborted) return ended
  over.abort()
  return giveUp(clock, module, change, first === 'aborted' ? signal! : hungAfter)
}

async function giveUp(
  clock: Clock,
  module: string,
  change: Change,
  why: AbortSignal | number,
): Promise<ChangeEnd> {
  const running = change.attempts.at(-1)
  if (running?.command) {
    // A command is in user space and can be ended.
    change.kill()
    const end = await change.ended
    if (typeof why === 'number') return end
    throw abortedError(why, `Loading ${module} was aborted, its install command ended.`, module)
  }
  // What hangs may be a dependency.
  const names = new Set([module, running?.module ?? module])
  for (const name of names) stuck.set(name, change)
  change.ended
    .catch(() => undefined)
    .finally(() => {
      for (const name of names) if (stuck.get(name) === change) stuck.delete(name)
    })
  while (change.pid === undefined) {
    // The process is being started right now.
    await Promise.race([change.ended, clock.sleep(1)])
    if (!stuck.has(module)) return change.ended
  }
  const kernelStack = await change.stack()
  change.detach()
  const where = running === undefined ? module : running.module
  const leftBehind =
    `The kernel goes on with it in process ${change.pid}, which nothing can interrupt; ` +
    `status('${where}') tells when it is over.`
  if (typeof why !== 'number') {
    throw abortedError(
      why,
      `Aborted while module ${where} was inside the kernel. ${leftBehind}`,
      module,
    )
  }
  throw new KmodError(
    'ERR_KMOD_HUNG',
    `Module ${where} is still inside the kernel after ${why} ms. ${leftBehind} If it never is, ` +
      'the module has a fault and only a reboot frees it: see the kernel log and the kernel stack.',
    { module, pid: change.pid, kernelStack },
  )
}

function never(): Promise<never> {
  return new Promise(() => undefined)
}

/** Resolves when `signal` aborts; stays pending, without a listener left, once `over` does. */
export function whenAborted(signal: AbortSignal | undefined, over: AbortSignal): Promise<void> {
  if (signal === undefined) return never()
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true, signal: over })
  })
}

/** Why the kernel may have said EPERM: what is missing, or what forbids it. */
export async function permissionError(
  kernel: Kernel,
  doing: string,
  details: ConstructorParameters<typeof KmodError>[2],
): Promise<KmodError> {
  const facts = await kernel.facts()
  if (facts.kernel.modulesDisabled) {
    return new KmodError(
      'ERR_KMOD_DISABLED',
      `Cannot ${doing}: kernel.modules_disabled is set. Nothing can be loaded or unloaded until the next boot.`,
      details,
    )
  }
  return new KmodError(
    'ERR_KMOD_PERMISSION',
    facts.capability
      ? `Cannot ${doing}: the process has CAP_SYS_MODULE, but a seccomp filter or a security module forbids the call.`
      : `Cannot ${doing}: the process lacks CAP_SYS_MODULE in the initial user namespace. Run it as root, outside of containers that drop it.`,
    details,
  )
}
