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
import { PROBE_ANSWER, PROBE_WORD } from './guest-scripts'
import { makeInitramfs } from './initramfs'
import type { GuestKernel } from './kernels'
import { qemu } from './qemu'

const EMULATION = ['-accel', 'tcg,thread=multi', '-cpu', 'max']
/** Emulating `max` takes longer: it authenticates pointers. */
const ARM64_EMULATION = [
  ...['-machine', 'virt,gic-version=3', '-accel', 'tcg,thread=multi', '-cpu', 'cortex-a57'],
]
const HARDWARE = ['-accel', 'kvm', '-cpu', 'host']
/** Milliseconds. With working acceleration a guest boots in about one second; otherwise it hangs. */
const PROBE_DEADLINE = 6000

let probed: Promise<readonly string[]> | undefined

/**
 * QEMU's arguments: for hardware acceleration if it works, else for emulation, which always works.
 * Hardware acceleration is tried by booting the kernel once, because /dev/kvm can exist and not work (in
 * a nested virtual machine).
 * NODE_KMOD_VM_ACCEL=tcg or kvm skips the trial.
 */
export function accelerator(kernel: GuestKernel): Promise<readonly string[]> {
  if (kernel.architecture === ARM64) return Promise.resolve(ARM64_EMULATION)
  probed ??= choose(kernel)
  return probed
}

async function choose(kernel: GuestKernel): Promise<readonly string[]> {
  const wish = process.env.NODE_KMOD_VM_ACCEL
  if (wish === 'tcg') return EMULATION
  if (wish === 'kvm') return HARDWARE
  try {
    accessSync('/dev/kvm', constants.R_OK | constants.W_OK)
  } catch {
    return EMULATION
  }
  return (await boots(kernel, HARDWARE)) ? HARDWARE : EMULATION
}

async function boots(kernel: GuestKernel, acceleration: readonly string[]): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'node-kmod-probe-'))
  try {
    const initramfs = join(folder, 'initramfs')
    const console = join(folder, 'console')
    writeFileSync(initramfs, makeInitramfs(kernel))
    await qemu(
      kernel.architecture,
      [
        ...acceleration,
        ...['-m', '512', '-nodefaults', '-no-reboot', '-display', 'none'],
        ...['-serial', `file:${console}`, '-kernel', kernel.image, '-initrd', initramfs],
        ...['-append', `console=ttyS0 quiet panic=-1 ${PROBE_WORD}`],
      ],
      PROBE_DEADLINE,
    )
    return existsSync(console) && readFileSync(console, 'utf8').includes(PROBE_ANSWER)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
