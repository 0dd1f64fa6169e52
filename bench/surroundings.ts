/** What the measurements run in: the checkout, a folder for the time of a call, a heap that does not grow. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const ROOT = join(__dirname, '..')

export async function withFolder<T>(call: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'node-kmod-bench-'))
  try {
    return await call(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Keeps V8 from enlarging its young generation, in steps of megabytes, during a measurement. */
export const STEADY_HEAP = ['--expose-gc', '--max-semi-space-size=1']
