/** Child processes of tests, and all that a reader of their pipes sees. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'

export const ROOT = join(__dirname, '..', '..')

export interface Outcome {
  code: number | null
  signal: string | null
  stdout: string
  stderr: string
}

/** Starts a script that can require('node-kmod'). */
export function startScript(
  script: string,
  { args = [], env = {} }: { args?: readonly string[]; env?: NodeJS.ProcessEnv } = {},
): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, ['-e', script, ...args], {
    cwd: ROOT,
    env: { ...process.env, ...env },
  })
}

/**
 * How a process ended, and all that it printed. The readers see an end only once nobody holds the
 * other side of the pipes any more: a helper that did would keep this waiting.
 */
export async function outcomeOf(child: ChildProcessWithoutNullStreams): Promise<Outcome> {
  const end = once(child, 'exit') as Promise<[number | null, string | null]>
  const [stdout, stderr, [code, signal]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    end,
  ])
  return { code, signal, stdout, stderr }
}

export function runScript(
  script: string,
  options?: Parameters<typeof startScript>[1],
): Promise<Outcome> {
  return outcomeOf(startScript(script, options))
}
