/** Runs QEMU. */
import { spawn } from 'node:child_process'
import type { Architecture } from './architectures'
import { vmError } from './errors'
import { SEARCH_PATH } from './programs'

/**
 * Runs QEMU until it ends by itself or the signal aborts, which kills it. Returns what QEMU itself
 * printed: warnings and errors.
 */
export function qemu(
  architecture: Architecture,
  args: readonly string[],
  signal: AbortSignal,
): Promise<string> {
  const program = `qemu-system-${architecture.qemu}`
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, PATH: SEARCH_PATH },
    })
    let stderr = ''
    child.stderr.on('data', (piece: Buffer) => (stderr += piece.toString()))
    const kill = (): boolean => child.kill('SIGKILL')
    if (signal.aborted) kill()
    signal.addEventListener('abort', kill)
    // Otherwise the guest would continue after this process has ended.
    process.once('exit', kill)
    const cleanUp = (): void => {
      signal.removeEventListener('abort', kill)
      process.off('exit', kill)
    }
    child.once('error', (error) => {
      cleanUp()
      reject(vmError(`${program} cannot be started: ${error.message}`, '', error))
    })
    child.once('close', () => {
      cleanUp()
      resolve(stderr)
    })
  })
}
