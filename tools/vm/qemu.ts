/** Runs QEMU. */
import { spawn } from 'node:child_process'
import { X64, type Architecture } from './architectures'
import { SEARCH_PATH } from './command'

export interface QemuEnd {
  isOutOfTime: boolean
  /** What QEMU itself printed: warnings and errors. */
  stderr: string
}

/** Runs QEMU until it ends by itself or the deadline (milliseconds) passes. */
export function qemu(
  architecture: Architecture,
  args: readonly string[],
  deadline: number,
): Promise<QemuEnd> {
  const program = `qemu-system-${architecture.qemu}`
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, PATH: SEARCH_PATH },
    })
    let stderr = ''
    let isOutOfTime = false
    child.stderr.on('data', (piece: Buffer) => (stderr += piece.toString()))
    const kill = (): boolean => child.kill('SIGKILL')
    const timer = setTimeout(() => {
      isOutOfTime = true
      kill()
    }, deadline)
    // Otherwise the guest would continue after this process has ended.
    process.once('exit', kill)
    const cleanUp = (): void => {
      clearTimeout(timer)
      process.off('exit', kill)
    }
    child.once('error', (error) => {
      cleanUp()
      reject(
        new Error(
          `${program} cannot be started (${error.message}). Install it: apt-get install qemu-system-${architecture === X64 ? 'x86' : 'arm'}`,
        ),
      )
    })
    child.once('close', () => {
      cleanUp()
      resolve({ isOutOfTime, stderr })
    })
  })
}
