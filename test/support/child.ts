/** Child processes of tests, and everything that they print. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'

/** The folder of the checkout. */
export const ROOT = join(__dirname, '..', '..')

export interface Outcome {
  code: number | null
  signal: string | null
  stdout: string
  stderr: string
}

export interface ScriptOptions {
  args?: readonly string[]
  /** Added to the environment of this process. */
  env?: NodeJS.ProcessEnv
  /** Default: the checkout. */
  cwd?: string
  /** Options of Node, before the script. */
  nodeOptions?: readonly string[]
}

/** Starts a script that can require('node-kmod'). */
export function startScript(
  script: string,
  { args = [], env = {}, cwd = ROOT, nodeOptions = [] }: ScriptOptions = {},
): ChildProcessWithoutNullStreams {
  const argv = [...nodeOptions, '-e', script, ...args]
  return spawn(process.execPath, argv, { cwd, env: { ...process.env, ...env } })
}

/**
 * How a process ended, and all that it printed. A pipe ends only when no process has its other end open
 * any more: if a helper kept it open, this would wait for the helper.
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

export function runScript(script: string, options?: ScriptOptions): Promise<Outcome> {
  return outcomeOf(startScript(script, options))
}
