/** Decides whether guests run with hardware acceleration (KVM) or by emulation. */
import {
  accessSync,
  constants,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ARM64 } from './architectures'
import { Limit } from './errors'
import { PROBE_ANSWER, PROBE_WORD } from './guest-scripts'
import { makeInitramfs } from './initramfs'
import type { GuestKernel } from './kernels'
import type { Programs } from './programs'
import { qemu } from './qemu'

/** `kvm`: hardware acceleration; `tcg`: emulation, which always works; `auto`: what works. */
export type Accelerator = 'auto' | 'kvm' | 'tcg'

const EMULATION = ['-accel', 'tcg,thread=multi', '-cpu', 'max']
/** Emulating `max` takes longer: it authenticates pointers. */
const ARM64_EMULATION = [
  ...['-machine', 'virt,gic-version=3', '-accel', 'tcg,thread=multi', '-cpu', 'cortex-a57'],
]
const HARDWARE = ['-accel', 'kvm', '-cpu', 'host']
/** Milliseconds. With working acceleration a guest boots in about one second; otherwise it hangs. */
const PROBE_DEADLINE = 6000

/** A fact about this machine, which costs seconds to find out. */
let works: boolean | undefined

/**
 * QEMU's arguments. `auto` tries hardware acceleration by booting the kernel once, because /dev/kvm can
 * exist and not work (in a nested virtual machine).
 */
export async function acceleratorArguments(
  wish: Accelerator,
  kernel: GuestKernel,
  programs: Programs,
): Promise<readonly string[]> {
  if (kernel.architecture === ARM64) return ARM64_EMULATION
  if (wish !== 'auto') return wish === 'kvm' ? HARDWARE : EMULATION
  try {
    accessSync('/dev/kvm', constants.R_OK | constants.W_OK)
  } catch {
    return EMULATION
  }
  works ??= await boots(kernel, HARDWARE, programs)
  return works ? HARDWARE : EMULATION
}

async function boots(
  kernel: GuestKernel,
  acceleration: readonly string[],
  programs: Programs,
): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'node-kmod-probe-'))
  try {
    const initramfs = join(folder, 'initramfs')
    const console = join(folder, 'console')
    writeFileSync(initramfs, await makeInitramfs(kernel, programs))
    const args = [
      ...acceleration,
      ...['-m', '512', '-nodefaults', '-no-reboot', '-display', 'none'],
      ...['-serial', `file:${console}`, '-kernel', kernel.image, '-initrd', initramfs],
      ...['-append', `console=ttyS0 quiet panic=-1 ${PROBE_WORD}`],
    ]
    const limit = new Limit('The trial of hardware acceleration', PROBE_DEADLINE, programs.signal)
    await qemu(kernel.architecture, args, limit.signal).finally(() => limit.end())
    if (programs.signal.aborted) throw programs.signal.reason as Error
    return existsSync(console) && readFileSync(console, 'utf8').includes(PROBE_ANSWER)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
