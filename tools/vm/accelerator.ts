/** QEMU itself, and whether this machine's hardware can be trusted to speed it up. */
import { spawn } from 'node:child_process'
import {
  accessSync,
  constants,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
  existsSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeInitramfs } from './initramfs'
import { prepareKernel } from './kernels'

const QEMU = 'qemu-system-x86_64'
const EMULATION = ['-accel', 'tcg,thread=multi', '-cpu', 'max']
const HARDWARE = ['-accel', 'kvm', '-cpu', 'host']
/** A guest boots in about a second where the acceleration works, and hangs where it does not. */
const PROBE_DEADLINE = 6000

export interface QemuEnd {
  outOfTime: boolean
  /** What QEMU itself complained about. */
  said: string
}

/** Runs QEMU until it ends by itself or the deadline (milliseconds) passes. */
export function qemu(args: readonly string[], deadline: number): Promise<QemuEnd> {
  return new Promise((resolve, reject) => {
    const child = spawn(QEMU, args, { stdio: ['ignore', 'ignore', 'pipe'] })
    let said = ''
    let outOfTime = false
    child.stderr.on('data', (piece: Buffer) => (said += piece.toString()))
    const timer = setTimeout(() => {
      outOfTime = true
      child.kill('SIGKILL')
    }, deadline)
    // The guest must not outlive an interrupted test run.
    const kill = (): boolean => child.kill('SIGKILL')
    process.once('exit', kill)
    child.once('error', (error) => {
      clearTimeout(timer)
      process.off('exit', kill)
      reject(
        new Error(
          `${QEMU} cannot be started (${error.message}). Install the package qemu-system-x86: npm run setup`,
        ),
      )
    })
    child.once('close', () => {
      clearTimeout(timer)
      process.off('exit', kill)
      resolve({ outOfTime, said })
    })
  })
}

let probed: Promise<readonly string[]> | undefined

/**
 * QEMU's arguments for the fastest way that works. Emulation always does; hardware is tried first,
 * with a short deadline, because a /dev/kvm that is there may still not work (a nested machine).
 * NODE_KMOD_VM_ACCEL=tcg or kvm decides beforehand.
 */
export function accelerator(): Promise<readonly string[]> {
  probed ??= probe()
  return probed
}

async function probe(): Promise<readonly string[]> {
  const wish = process.env.NODE_KMOD_VM_ACCEL
  if (wish === 'tcg') return EMULATION
  if (wish === 'kvm') return HARDWARE
  try {
    accessSync('/dev/kvm', constants.R_OK | constants.W_OK)
  } catch {
    return EMULATION
  }
  const folder = mkdtempSync(join(tmpdir(), 'node-kmod-probe-'))
  try {
    const kernel = prepareKernel('6.1')
    const initramfs = join(folder, 'initramfs')
    const console = join(folder, 'console')
    writeFileSync(initramfs, makeInitramfs(kernel))
    await qemu(
      [
        ...HARDWARE,
        ...['-m', '512', '-nodefaults', '-no-reboot', '-display', 'none'],
        ...['-serial', `file:${console}`, '-kernel', kernel.image, '-initrd', initramfs],
        ...['-append', 'console=ttyS0 quiet panic=-1 kmod_probe'],
      ],
      PROBE_DEADLINE,
    )
    const works = existsSync(console) && readFileSync(console, 'utf8').includes('guest: probe')
    return works ? HARDWARE : EMULATION
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
